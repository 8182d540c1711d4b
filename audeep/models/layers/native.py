# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the recurrent core of audeep is used, compiled, in what precision, and on how many cores.

PyTorch runs a recurrent layer on the CPU as many small operations, and its gradients as one product for each step and
weight. Here, steps of a GRU in single precision are compiled with their matrix products (`fused_cells`, `_gru.h`), for
processors with AVX2 or AVX-512 and a number of units that is a multiple of 16. Otherwise (`cells`) PyTorch
computes the products, those of the inputs of all steps at once, and the gates are compiled, one pass over memory for
each step (`_kernels.c`), or, where that could not be built, in double precision, and on CUDA, operations of PyTorch.
There this core is used for batches so large that cuDNN is slower, such as those of frames. The gradient of a weight is
one product over all steps (`autograd`, `feedback`). Where a batch is so large that one step of it fills a cache, its
parts go through all steps one after the other, and gradients are summed step by step. Equations and weights are those
of `torch.nn.GRU` and `torch.nn.LSTM`.

Layers that do not need each other, such as those of two directions, run in parallel, each on its share of the cores:
the products of single steps are too small to be split well. So do parts of a large batch, and, in training on sequences
of one length, of any batch of a GRU whose steps are compiled.

Within `torch.autocast`, products are computed in the type that it names, everything else as it is. With the environment
variable AUDEEP_PLAIN_RNN set, nothing of this is used, but the layers of PyTorch.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor

from audeep.models.layers.draws import CPU
from audeep.models.layers.lengths import is_recorded

kernels: Any
try:
    from audeep.models.layers import _kernels as kernels  # type: ignore[attr-defined, no-redef]
except ImportError:  # there was no compiler when audeep was installed
    kernels = None

LARGE_BATCH = 4096  # sequences, from which on cuDNN is slower

Result = TypeVar("Result")


def uses_native(sequences: Tensor) -> bool:
    """Whether this core is to be used for [time, batch, ...]; not where operations are recorded, to be exported."""
    if os.environ.get("AUDEEP_PLAIN_RNN") or is_recorded():
        return False
    return is_on_cpu(sequences) or (sequences.device.type == "cuda" and sequences.shape[1] >= LARGE_BATCH)


def is_on_cpu(values: Tensor) -> bool:
    """Whether there may be compiled operations."""
    return values.device.type == "cpu"


def is_compiled(values: Tensor) -> bool:
    """Whether there are compiled operations on values of this type, where they are."""
    return kernels is not None and values.dtype == torch.float32 and is_on_cpu(values)


def lanes_of(state: Tensor, weights: Sequence[Tensor]) -> int:
    """How many units compiled steps of a GRU with these take together; 0 if there are none for it."""
    if not len(state) or not all(map(is_compiled, (state, *weights))):
        return 0
    return next((lanes for lanes in (16, 8) if lanes <= kernels.LANES and state.shape[-1] % (2 * lanes) == 0), 0)


def type_of_products(device: torch.device) -> torch.dtype | None:
    """The type in which matrix products are to be computed; None if it is that of the values."""
    return torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else None


def run_parallel(tasks: Sequence[Callable[[], Result]], device: torch.device = CPU) -> list[Result]:
    """The results of `tasks` without gradients; on the CPU as many at a time as there are threads."""
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    share = max(1, threads // len(tasks))

    def run(task: Callable[[], Result]) -> Result:
        torch.set_num_threads(share)
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            return task()

    if threads == 1 or len(tasks) == 1:
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            return [task() for task in tasks]
    try:
        return list(_pool(threads).map(run, tasks))
    finally:
        torch.set_num_threads(threads)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="audeep-layers")
