"""One runtime for `nnz bench --vs`: a number of runs in, their CPU time in nanoseconds out, one line each.

usage: rival.py ENGINE MODEL [X.npy]

The first line out is JSON: name with version, and the instruction sets that it may use. One thread, inputs and outputs
bound once, garbage collection off; what is left of Python is one call a run.
"""

import gc
import json
import os
import sys
import time

# oneDNN and what is built on it: everything below AMX. Without its bfloat16 instructions OpenVINO, which computes floats
# with them, would emulate them.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")
os.environ.setdefault("DNNL_MAX_CPU_ISA", "AVX512_CORE_FP16")

import numpy as np


def values(shape, dtype, scale=None):
    """The first row of the input array, or zeros, as the model wants it."""
    shape = [d if isinstance(d, int) and d > 0 else 1 for d in shape]
    if len(sys.argv) < 4:
        return np.zeros(shape, dtype)
    array = np.load(sys.argv[3])
    array = array.reshape(-1)[: int(np.prod(shape))].astype(np.float32)
    if scale and scale[0]:
        info = np.iinfo(dtype)
        array = np.clip(np.round(array / scale[0]) + scale[1], info.min, info.max)
    return np.ascontiguousarray(array.astype(dtype).reshape(shape))


def ort(path):
    import onnxruntime as rt

    options = rt.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = rt.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    types = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8}
    binding = session.io_binding()
    for port in session.get_inputs():
        binding.bind_cpu_input(port.name, values(port.shape, types[port.type]))
    for port in session.get_outputs():
        binding.bind_output(port.name)
    run = session.run_with_iobinding
    return f"ONNX Runtime {rt.__version__}", lambda: run(binding)


def litert(path):
    try:
        import ai_edge_litert as package
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tflite_runtime as package
        from tflite_runtime.interpreter import Interpreter
    interpreter = Interpreter(model_path=path, num_threads=1)
    interpreter.allocate_tensors()
    for port in interpreter.get_input_details():
        array = values(port["shape"].tolist(), port["dtype"], port["quantization"])
        interpreter.set_tensor(port["index"], array)
    return f"LiteRT {getattr(package, '__version__', '')} with XNNPACK", interpreter.invoke


def openvino(path):
    import openvino as ov

    core = ov.Core()
    hints = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(path, "CPU", hints)
    request = compiled.create_infer_request()
    for port in compiled.inputs:
        shape = [d.get_length() if d.is_static else 1 for d in port.partial_shape]
        request.set_tensor(port, ov.Tensor(values(shape, port.element_type.to_dtype())))
    version = ov.__version__.split("-")[0]
    return f"OpenVINO {version}", lambda: request.infer(share_inputs=True, share_outputs=True)


def isa():
    """The vector instructions of this CPU that a runtime may choose from."""
    known = ["avx2", "avx_vnni", "avx512f", "avx512_vnni", "asimd", "asimddp", "i8mm"]
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            flags = next(line for line in info if line.startswith(("flags", "Features"))).split()
    except (OSError, StopIteration):
        return "unknown"
    return " ".join(name for name in known if name in flags) + ", AMX excluded"


def main():
    engines = {"ort": ort, "litert": litert, "openvino": openvino}
    name, run = engines[sys.argv[1]](sys.argv[2])
    run()
    gc.disable()
    print(json.dumps({"name": name, "isa": isa()}), flush=True)
    for line in sys.stdin:
        count = int(line)
        start = time.process_time_ns()
        for _ in range(count):
            run()
        print(time.process_time_ns() - start, flush=True)


main()
