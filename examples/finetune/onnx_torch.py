"""Runs an ONNX network in PyTorch, so that its weights can be trained and written back.

The file is the program: every node is executed by a function of the table OPS, every float initializer is a
parameter under its own name. Saving writes the parameters into the initializers of the same file, so nodes, names
and attributes stay what they were.
"""

import onnx
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper


class OnnxModule(torch.nn.Module):
    """A network from an ONNX file; `tensors[name]` is the parameter of the initializer `name`."""

    def __init__(self, path):
        super().__init__()
        self.model = onnx.load(path)
        graph = self.model.graph
        unknown = sorted({n.op_type for n in graph.node} - OPS.keys() - {"Constant"})
        if unknown:
            raise SystemExit(f"{path}: {', '.join(unknown)} is not supported; add a function to OPS in {__file__}")
        self.tensors, self.constants = {}, {}
        for index, initializer in enumerate(graph.initializer):
            value = torch.from_numpy(numpy_helper.to_array(initializer).copy())
            if not value.is_floating_point():
                self.constants[initializer.name] = value
                continue
            parameter = torch.nn.Parameter(value.float())
            self.register_parameter(f"p{index}", parameter)
            self.tensors[initializer.name] = parameter
        self._freeze_statistics()
        inputs = [i.name for i in graph.input if i.name not in self.tensors and i.name not in self.constants]
        if len(inputs) != 1:
            raise SystemExit(f"{path}: has {len(inputs)} inputs; one is supported")
        self.input = inputs[0]
        self.output = graph.output[0].name

    def _freeze_statistics(self):
        """Running means and variances, and scalars such as the bounds of Clip, are not trained."""
        for node in self.model.graph.node:
            frozen = node.input[3:] if node.op_type == "BatchNormalization" else []
            frozen = node.input[1:] if node.op_type in ("Clip", "Pad") else frozen
            for name in frozen:
                if name in self.tensors:
                    self.tensors[name].requires_grad_(False)

    def dims(self):
        """Dimensions of the input without the batch."""
        info = next(i for i in self.model.graph.input if i.name == self.input)
        return [d.dim_value for d in info.type.tensor_type.shape.dim][1:]

    def forward(self, x):
        values = {**self.constants, **self.tensors, self.input: x, "": None}
        for node in self.model.graph.node:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            if node.op_type == "Constant":
                values[node.output[0]] = torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())
                continue
            inputs = [values[name] for name in node.input]
            values[node.output[0]] = OPS[node.op_type](attributes, *inputs)
        return values[self.output]

    def save(self, path):
        """Writes the file with the parameters as they are now."""
        for initializer in self.model.graph.initializer:
            if initializer.name in self.tensors:
                kind = numpy_helper.to_array(initializer).dtype
                array = self.tensors[initializer.name].detach().numpy().astype(kind)
                initializer.CopyFrom(numpy_helper.from_array(array, initializer.name))
        onnx.save(self.model, path)


def padding(attributes, x, kernel, stride, dilation=(1, 1), value=0.0):
    """`x` with the padding of a window made explicit."""
    auto = attributes.get("auto_pad", b"NOTSET").decode()
    pads = attributes.get("pads", [0, 0, 0, 0])
    if auto.startswith("SAME"):
        pads = [0, 0, 0, 0]
        for axis in range(2):
            size = x.shape[2 + axis]
            reach = (kernel[axis] - 1) * dilation[axis] + 1
            total = max((-(-size // stride[axis]) - 1) * stride[axis] + reach - size, 0)
            small, large = total // 2, total - total // 2
            pads[axis], pads[2 + axis] = (small, large) if auto == "SAME_UPPER" else (large, small)
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value) if any(pads) else x


def conv(a, x, w, b=None):
    stride, dilation = a.get("strides", [1, 1]), a.get("dilations", [1, 1])
    x = padding(a, x, w.shape[2:], stride, dilation)
    return F.conv2d(x, w, b, stride=stride, dilation=dilation, groups=a.get("group", 1))


def gemm(a, x, w, c=None):
    y = a.get("alpha", 1.0) * x @ (w.T if a.get("transB", 0) else w)
    return y if c is None else y + a.get("beta", 1.0) * c


def max_pool(a, x):
    kernel, stride = a["kernel_shape"], a.get("strides", [1, 1])
    x = padding(a, x, kernel, stride, value=-torch.inf)
    return F.max_pool2d(x, kernel, stride, ceil_mode=bool(a.get("ceil_mode", 0)))


def average_pool(a, x):
    kernel, stride = a["kernel_shape"], a.get("strides", [1, 1])
    counted = torch.ones_like(x[:1, :1])
    sums = [F.avg_pool2d(padding(a, v, kernel, stride), kernel, stride) for v in (x, counted)]
    return sums[0] if a.get("count_include_pad", 0) else sums[0] / sums[1]


def reshape(a, x, shape):
    # The batch of the file is 1; here it is whatever is trained on.
    dims = [x.shape[i] if d == 0 else int(d) for i, d in enumerate(shape.tolist())]
    return x.reshape([x.shape[0], *dims[1:]])


def batch_norm(a, x, scale, shift, mean, variance):
    return F.batch_norm(x, mean, variance, scale, shift, training=False, eps=a.get("epsilon", 1e-5))


def clip(a, x, low=None, high=None):
    low, high = a.get("min", low), a.get("max", high)
    return torch.clamp(x, low, high) if low is not None or high is not None else x


def pad(a, x, pads=None, value=None, axes=None):
    amounts = a["pads"] if pads is None else pads.tolist()
    _, _, top, left, _, _, bottom, right = amounts
    return F.pad(x, (left, right, top, bottom), value=0.0 if value is None else value.item())


def mean(a, x, axes=None):
    dims = list(a["axes"]) if axes is None else axes.tolist()
    return x.mean(dim=dims, keepdim=bool(a.get("keepdims", 1)))


OPS = {
    "Add": lambda a, x, y: x + y,
    "AveragePool": average_pool,
    "BatchNormalization": batch_norm,
    "Clip": clip,
    "Conv": conv,
    "Dropout": lambda a, x, *_: x,
    "Flatten": lambda a, x: x.flatten(1),
    "Gemm": gemm,
    "GlobalAveragePool": lambda a, x: x.mean(dim=(2, 3), keepdim=True),
    "GlobalMaxPool": lambda a, x: x.amax(dim=(2, 3), keepdim=True),
    "Identity": lambda a, x: x,
    "LeakyRelu": lambda a, x: F.leaky_relu(x, a.get("alpha", 0.01)),
    "MatMul": lambda a, x, y: x @ y,
    "MaxPool": max_pool,
    "Mul": lambda a, x, y: x * y,
    "Pad": pad,
    "PRelu": lambda a, x, s: torch.where(x < 0, x * s, x),
    "ReduceMean": mean,
    "Relu": lambda a, x: F.relu(x),
    "Reshape": reshape,
    "Sigmoid": lambda a, x: torch.sigmoid(x),
    "Softmax": lambda a, x: F.softmax(x, dim=a.get("axis", -1)),
    "Squeeze": lambda a, x, *_: x.flatten(1),
    "Sub": lambda a, x, y: x - y,
    "Tanh": lambda a, x: torch.tanh(x),
    "Transpose": lambda a, x: x.permute(*a["perm"]),
}
