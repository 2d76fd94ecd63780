"""Runs pruned neural networks (`.nnz` files) on this machine."""

import os
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

__version__: str

class Tensor:
    """An input or an output."""

    name: str
    """Its name in the network that the file was made from."""
    shape: list[int]
    """Its shape there, in that network's order of axes, a batch of 1 included."""
    dtype: str
    """`int8` or `float32`."""
    scale: float
    """A real number is `scale * (q - zero_point)`; 1 for floats. A mean and a deviation that `nnz prune` was given
    (`--mean`, `--std`) are part of scale and zero point: real numbers are those before they are applied."""
    zero_point: int
    """What stands for 0; 0 for floats."""

class Model:
    """A network. Threads may share it; each run has memory of its own."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    isa: str
    """The instruction set that runs it: `portable`, `avx2`, `avx512vnni`…"""
    macs: int
    """Multiply-accumulates of one run, without those that the file does not store."""

    def __init__(self, model: str | os.PathLike[str] | bytes, threads: int = 1) -> None:
        """Reads a file, or takes its bytes. `threads` share the rows of a run, or the steps of a single row; results are
        the same bytes for any number of them.

        Raises `OSError` where the file cannot be read, `ValueError` where it is not a network that this version runs or
        `threads` is not 1 to 256.
        """

    def run(self, x: ArrayLike | Mapping[str, ArrayLike], raw: bool = False) -> dict[str, np.ndarray]:
        """Runs the network on `x`: an array, or a dict of arrays by name where there are several inputs.

        An input has its own shape, or many of them along the first axis where that is 1: then the network runs once
        for each. `int8` arrays go into `int8` inputs as they are; everything else is taken for real numbers and
        quantised. Outputs come by name, as `float32`; with `raw` those of `int8` as they are.

        Raises `ValueError` where a shape does not fit, `KeyError` where a dict lacks an input.
        """
