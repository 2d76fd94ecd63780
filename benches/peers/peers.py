"""Other runtimes beside nnz on the networks of ../shared: the table of benches/record/host.

usage: peers.py [--nnz PROGRAM] [--openvino PYTHON] [--out RECORD.csv] SHARED

Run it with a Python that has onnxruntime, onnx and ai-edge-litert; OpenVINO comes from PyPI into a Python of its own.
Each row is one `nnz bench --vs`: one thread, in turns, medians of CPU time. Dense parents are also quantised by ONNX
Runtime (QDQ, per channel, 200 samples). LiteRT has no converter from ONNX: it runs the MLPerf Tiny networks, of which
resnet8 has the layers of cifar_resnet8. Only ratios are kept.
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


class Samples(CalibrationDataReader):
    def __init__(self, name, shared):
        x = np.load(shared / "data/cifar10_calib.npz")["x"][:200].astype(np.float32)
        x = np.ascontiguousarray(((x - 128) / 64).transpose(0, 3, 1, 2))
        self.rows = iter([{name: row[None]} for row in x])

    def get_next(self):
        return next(self.rows, None)


def quantized(model, shared, folder):
    out = folder / f"{model.stem}.int8.onnx"
    if not out.exists():
        samples = Samples(load(model).graph.input[0].name, shared)
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


def rows(options, folder):
    shared = pathlib.Path(options.shared)
    for source, flags, onnx, tflite in ROWS:
        file = folder / f"{source}.nnz"
        paths = [shared / flag if flag.startswith("data/") else flag for flag in flags]
        prune = [options.nnz, "prune", shared / "models" / source, "-o", file, "--target", "host"]
        subprocess.run(prune + paths, check=True, stdout=subprocess.DEVNULL)
        rivals, others = [], []
        if onnx:
            dense = shared / "models" / f"{onnx}.onnx"
            models = [dense] if flags is NINETY else [dense, quantized(dense, shared, folder)]
            rivals += [f"ort:{model}" for model in models]
            others += [f"openvino:{model}" for model in models if options.openvino]
        if tflite:
            rivals.append(f"litert:{shared / 'models' / tflite}")
        isa, found = bench(options, file, sys.executable, rivals)
        if others:
            found += bench(options, file, options.openvino, others)[1]
        for rival in found:
            model = pathlib.Path(rival["model"]).name
            network = f"{source} at 90 %" if flags is NINETY else source
            yield f"{network},{isa},{rival['name']},{model},{rival['ratio']:.2f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shared")
    parser.add_argument("--nnz", default="nnz")
    parser.add_argument("--openvino")
    parser.add_argument("--out", default="/dev/stdout")
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        lines = ["network,kernels,beside,its model,nnz is faster by"]
        lines += rows(options, pathlib.Path(folder))
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
