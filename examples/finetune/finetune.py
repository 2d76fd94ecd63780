"""Trains a pruned ONNX network with its zeros held, under the eyes of its dense parent.

    nnz prune net.onnx --calib calib.npz --sparsity 0.9 -o pruned.onnx --masks masks.safetensors
    python finetune.py pruned.onnx --masks masks.safetensors --teacher net.onnx --data train.npz -o tuned.onnx
    nnz prune tuned.onnx --calib calib.npz --method keep -o net.nnz
"""

import argparse
import json
import math

import numpy
import torch
import torch.nn.functional as F
from onnx_torch import OnnxModule


def read_masks(path):
    """The arrays of a safetensors file of bytes: a length, a JSON header, the bytes."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    masks = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in ("U8", "BOOL"):
            raise SystemExit(f"{path}: '{name}' is {entry['dtype']}; masks are U8 or BOOL")
        start, end = entry["data_offsets"]
        array = numpy.frombuffer(data[start:end], numpy.uint8).reshape(entry["shape"])
        masks[name] = torch.from_numpy(array.astype(numpy.float32))
    return masks


def attach(module, masks):
    """Pairs of parameter and mask; refuses masks of another network."""
    pairs = []
    for name, mask in masks.items():
        parameter = module.tensors.get(name)
        if parameter is None or parameter.shape != mask.shape:
            found = "is not there" if parameter is None else f"has shape {tuple(parameter.shape)}"
            raise SystemExit(f"the masks are for another network: '{name}' {found}, its mask {tuple(mask.shape)}")
        pairs.append((parameter, mask))
    return pairs


@torch.no_grad()
def hold(pairs):
    """Zeros stay zeros."""
    for parameter, mask in pairs:
        parameter.mul_(mask)


def samples(path, module, args):
    """Inputs as the network takes them, and labels if there are any."""
    file = numpy.load(path)
    x = torch.from_numpy(file[args.x].astype(numpy.float32))
    x = (x - args.mean) / args.std
    if args.layout == "nhwc":
        x = x.permute(0, 3, 1, 2)
    x = x.reshape(len(x), *module.dims()).contiguous()
    y = torch.from_numpy(file[args.y].astype(numpy.int64)) if args.y in file else None
    return x, y


def shifted(x, reach):
    """Images moved by up to `reach` pixels, each its own way."""
    if reach == 0 or x.dim() != 4:
        return x
    height, width = x.shape[2:]
    wide = F.pad(x, (reach,) * 4)
    corners = torch.randint(0, 2 * reach + 1, (len(x), 2)).tolist()
    return torch.stack([image[:, t : t + height, l : l + width] for image, (t, l) in zip(wide, corners)])


def loss_of(student, teacher, labels, args):
    """Distillation at a temperature (Hinton et al. 2015), mixed with the labels where there are any."""
    t = args.temperature
    soft = F.kl_div(F.log_softmax(student / t, 1), F.log_softmax(teacher / t, 1), log_target=True, reduction="batchmean")
    if labels is None:
        return soft * t * t
    return args.distil * soft * t * t + (1 - args.distil) * F.cross_entropy(student, labels)


def train(student, teacher, pairs, x, y, args):
    """Adam with one warm-up epoch and a cosine to zero; the mask is applied after every step."""
    torch.manual_seed(args.seed)
    trained = [p for p in student.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=args.rate)
    steps = -(-len(x) // args.batch)
    for epoch in range(args.epochs):
        order, total = torch.randperm(len(x)), 0.0
        for step in range(steps):
            done = (epoch * steps + step + 1) / (args.epochs * steps)
            rate = args.rate * min(1.0, done * args.epochs) * 0.5 * (1 + math.cos(math.pi * done))
            for group in optimiser.param_groups:
                group["lr"] = rate
            pick = order[step * args.batch : (step + 1) * args.batch]
            inputs = shifted(x[pick], args.shift)
            with torch.no_grad():
                wanted = teacher(inputs)
            loss = loss_of(student(inputs), wanted, None if y is None else y[pick], args)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            hold(pairs)
            total += loss.item() * len(pick)
        print(f"epoch {epoch + 1} of {args.epochs}: loss {total / len(x):.5f}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="the pruned network, from `nnz prune -o pruned.onnx`")
    parser.add_argument("--masks", required=True, help="from `nnz prune --masks`")
    parser.add_argument("--teacher", required=True, help="the dense network")
    parser.add_argument("--data", required=True, help=".npz with samples and, if there are any, classes")
    parser.add_argument("-o", "--output", required=True, help="the ONNX file to write")
    parser.add_argument("--x", default="x", help="name of the samples in the .npz")
    parser.add_argument("--y", default="y", help="name of the classes in the .npz")
    parser.add_argument("--mean", type=float, default=0.0)
    parser.add_argument("--std", type=float, default=1.0)
    parser.add_argument("--layout", choices=["nchw", "nhwc"], default="nchw", help="axis order of the samples")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3, help="largest learning rate")
    parser.add_argument("--distil", type=float, default=0.7, help="share of the parent in the loss")
    parser.add_argument("--temperature", type=float, default=3.0)
    parser.add_argument("--shift", type=int, default=0, help="move images by up to so many pixels")
    parser.add_argument("--threads", type=int, default=1, help="small networks train fastest on one")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    args = arguments()
    torch.set_num_threads(args.threads)
    student, teacher = OnnxModule(args.model), OnnxModule(args.teacher)
    pairs = attach(student, read_masks(args.masks))
    hold(pairs)
    x, y = samples(args.data, student, args)
    train(student, teacher, pairs, x, y, args)
    student.save(args.output)
    kept = sum(int(mask.sum()) for _, mask in pairs)
    print(f"{args.output}: {kept} of {sum(mask.numel() for _, mask in pairs)} masked weights stay")


if __name__ == "__main__":
    main()
