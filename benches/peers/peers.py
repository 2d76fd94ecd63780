"""Other runtimes beside nnz on the networks of ../shared: the table of benches/record/host.

usage: peers.py [--nnz PROGRAM] [--openvino PYTHON] [--large FOLDER] [--out RECORD.csv] SHARED

Run it with a Python that has onnxruntime, onnx and ai-edge-litert; OpenVINO comes from PyPI into a Python of its own.
Each row is one `nnz bench --vs`: one thread, in turns, medians of CPU time. Dense parents are also quantised by ONNX
Runtime (QDQ, per channel, 200 samples). LiteRT has no converter from ONNX: it runs the MLPerf Tiny networks, of which
resnet8 has the layers of cifar_resnet8. Networks at 224x224 are those that `cargo xtask large` left in FOLDER
(target/large); `nnz prune` writes the Keras one as ONNX for the others. Only ratios are kept.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from onnx import load
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

CIFAR = ["--calib", "data/cifar10_calib.npz", "--mean", "128", "--std", "64", "--layout", "nhwc"]
RESNET = ("cifar_resnet8_dense", "resnet8_int8.tflite")
MOBILE = ("cifar_mbv1_dense", None)
# For speed only: what is left of accuracy is not looked at.
NINETY = ["--sparsity", "0.9", "--method", "magnitude", "--alloc", "layer"]
BLOCKS = [*NINETY, "--pattern", "1x4"]
LARGE = ["--calib", "images.npz", "--mean", "128", "--std", "64", "--layout", "nhwc"]
# Network, options, dense parent in ONNX and in TFLite.
ROWS = [
    ("cifar_resnet8_dense.onnx", CIFAR, *RESNET),
    ("cifar_resnet8_u_80.onnx", CIFAR, *RESNET),
    ("cifar_resnet8_b14_65.onnx", CIFAR, *RESNET),
    ("cifar_mbv1_dense.onnx", CIFAR, *MOBILE),
    ("cifar_mbv1_u_80.onnx", CIFAR, *MOBILE),
    ("cifar_mbv1_nm24_50.onnx", CIFAR, *MOBILE),
    ("resnet8_int8.tflite", [], None, "resnet8_int8.tflite"),
    ("kws_int8.tflite", [], None, "kws_int8.tflite"),
    ("vww96_int8.tflite", [], None, "vww96_int8.tflite"),
    ("ad01_int8.tflite", [], None, "ad01_int8.tflite"),
    ("resnet8_int8.tflite", NINETY, "resnet8_fp32", "resnet8_int8.tflite"),
    ("kws_int8.tflite", NINETY, "kws_savedmodel_fp32", "kws_int8.tflite"),
    ("vww96_int8.tflite", NINETY, "vww96_fp32", "vww96_int8.tflite"),
    ("ad01_int8.tflite", NINETY, "ad01_fp32", "ad01_int8.tflite"),
]
# Those at 224x224.
LARGE_ROWS = ("mobilenet_v1.float.tflite", "mobilenet_v2.torchscript.onnx", "resnet18.torchscript.onnx")


class Samples(CalibrationDataReader):
    def __init__(self, tensor, images):
        x = np.load(images)["x"][:200].astype(np.float32)
        x = (x - 128) / 64
        if tensor.type.tensor_type.shape.dim[1].dim_value == 3:
            x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        self.rows = iter([{tensor.name: row[None]} for row in x])

    def get_next(self):
        return next(self.rows, None)


def quantized(model, images, folder):
    out = folder / f"{model.stem}.int8.onnx"
    if not out.exists():
        samples = Samples(load(model).graph.input[0], images)
        kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
        quantize_static(model, out, samples, quant_format=QuantFormat.QDQ, per_channel=True, **kinds)
    return out


def bench(options, file, python, rivals):
    command = [options.nnz, "bench", file, "--seconds", "0.3", "--json", "--python", python]
    for rival in rivals:
        command += ["--vs", rival]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    report = json.loads(done.stdout)
    return report["environment"]["kernels"], report.get("rivals", [])


def prune(options, source, out, flags):
    command = [options.nnz, "prune", source, "-o", out, "--target", "host", *flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def compare(options, network, file, models, tflite=None):
    rivals = [f"ort:{model}" for model in models] + ([f"litert:{tflite}"] if tflite else [])
    isa, found = bench(options, file, sys.executable, rivals)
    if models and options.openvino:
        found += bench(options, file, options.openvino, [f"openvino:{model}" for model in models])[1]
    for rival in found:
        model = pathlib.Path(rival["model"]).name
        yield f"{network},{isa},{rival['name']},{model},{rival['ratio']:.2f}"


def rows(options, folder):
    shared = pathlib.Path(options.shared)
    for source, flags, onnx, tflite in ROWS:
        file = folder / f"{source}.nnz"
        paths = [shared / flag if flag.startswith("data/") else flag for flag in flags]
        prune(options, shared / "models" / source, file, paths)
        models = []
        if onnx:
            dense = shared / "models" / f"{onnx}.onnx"
            images = shared / "data/cifar10_calib.npz"
            models = [dense] if flags is NINETY else [dense, quantized(dense, images, folder)]
        network = f"{source} at 90 %" if flags is NINETY else source
        yield from compare(options, network, file, models, tflite and shared / "models" / tflite)


def large_rows(options, folder):
    large = pathlib.Path(options.large)
    for source in LARGE_ROWS:
        file = folder / f"{source}.nnz"
        flags = [large / flag if flag.endswith(".npz") else flag for flag in LARGE + BLOCKS]
        prune(options, large / source, file, flags)
        dense = large / source
        if dense.suffix != ".onnx":
            dense = folder / f"{source}.onnx"
            prune(options, large / source, dense, [])
        models = [dense, quantized(dense, large / "images.npz", folder)]
        yield from compare(options, f"{source} 90 % in 1x4", file, models)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shared")
    parser.add_argument("--nnz", default="nnz")
    parser.add_argument("--openvino")
    parser.add_argument("--large")
    parser.add_argument("--out", default="/dev/stdout")
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        lines = ["network,kernels,beside,its model,nnz is faster by"]
        lines += rows(options, pathlib.Path(folder))
        if options.large:
            lines += large_rows(options, pathlib.Path(folder))
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
