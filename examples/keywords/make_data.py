#!/usr/bin/env python3
"""Makes this folder's files from the full data: the two networks, 200 calibration and 300 evaluation samples.

    python3 make_data.py FOLDER     # FOLDER holds models/keywords_*.onnx and data/keywords_*.npz

The samples are drawn class by class in turn, in the order of the full sets, so that every run writes the same
bytes. Needs numpy.
"""

import pathlib
import shutil
import sys
import zipfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
SETS = {"calib": 200, "eval": 300}
MODELS = ("keywords_dense.onnx", "keywords_u75.onnx")


def balanced(labels: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` samples, taking one of each class in turn."""
    queues = [list(np.flatnonzero(labels == c)) for c in np.unique(labels)]
    chosen: list[int] = []
    while len(chosen) < count:
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(int(queue.pop(0)))
    return np.array(sorted(chosen))


def save(path: pathlib.Path, **arrays: np.ndarray) -> None:
    """`numpy.savez_compressed` with fixed dates, so that the bytes depend on the content only."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array))


def main() -> None:
    """Copies the networks and writes the two sample sets."""
    source = pathlib.Path(sys.argv[1])
    for model in MODELS:
        shutil.copyfile(source / "models" / model, HERE / model)
    for name, count in SETS.items():
        full = np.load(source / "data" / f"keywords_{name}.npz")
        index = balanced(full["y"], count)
        save(HERE / f"{name}.npz", x=full["x"][index], y=full["y"][index])


if __name__ == "__main__":
    main()
