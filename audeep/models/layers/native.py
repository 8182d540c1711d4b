# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the recurrent core of audeep is used, compiled, in what precision, and on how many cores.

PyTorch runs a recurrent layer on the CPU as many small operations, and its gradients as one product for each step and
weight. Here (`cells`, `autograd`, `feedback`) the inputs of all steps are multiplied at once, gates are computed in
place, and the gradient of a weight is one product over all steps. Equations and weights are those of `torch.nn.GRU`
and `torch.nn.LSTM`.

Layers that do not need each other, such as those of two directions, run in parallel, each on its share of the cores:
the products of single steps are too small to be split well. Without gradients, parts of a large batch do too.

The arithmetic of the gates is compiled, one pass over memory for each step (`_kernels.c`). Where that could not be
built, and in double precision, operations of PyTorch do the same. Within `torch.autocast`, products are computed in the
type that it names, everything else as it is. With the environment variable AUDEEP_PLAIN_RNN set, nothing of this is
used, but the layers of PyTorch.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import torch
from torch import Tensor

from audeep.models.layers.lengths import is_recorded

kernels: Any
try:
    from audeep.models.layers import _kernels as kernels  # type: ignore[attr-defined, no-redef]
except ImportError:  # there was no compiler when audeep was installed
    kernels = None

Result = TypeVar("Result")


def uses_native(tensor: Tensor) -> bool:
    """Whether this core is to be used for `tensor`; not where operations are recorded, to be exported."""
    return tensor.device.type == "cpu" and not os.environ.get("AUDEEP_PLAIN_RNN") and not is_recorded()


def is_compiled(dtype: torch.dtype) -> bool:
    """Whether there are compiled operations on values of this type."""
    return kernels is not None and dtype == torch.float32


def type_of_products() -> torch.dtype | None:
    """The type in which matrix products are to be computed; None if it is that of the values."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None


def run_parallel(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of `tasks`, each run by a thread of its own on its share of the cores, without gradients."""
    threads = torch.get_num_threads()
    share = max(1, threads // len(tasks))

    def run(task: Callable[[], Result]) -> Result:
        torch.set_num_threads(share)
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            return task()

    if threads == 1 or len(tasks) == 1:
        with torch.no_grad(), torch.autocast("cpu", enabled=False):
            return [task() for task in tasks]
    try:
        return list(_pool().map(run, tasks))
    finally:
        torch.set_num_threads(threads)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="audeep-layers")
