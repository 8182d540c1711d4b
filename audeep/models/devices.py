# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to compute, and in which precision."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock

import torch
from torch.backends import cudnn

from audeep.errors import OptionError

_lock = Lock()
_within: list[bool] = []  # of each place of `repeatable` in any thread, whether it is exact
_before = False, True  # the flags of cuDNN outside of them: deterministic, allow_tf32


@contextmanager
def repeatable(exact: bool = False) -> Iterator[None]:
    """Where the same work on a GPU gives the same bytes.

    Args:
        exact: do not let convolutions and recurrent layers in float32 round to TF32, as they do by default: then
            results are those of the CPU, but for rounding in float32. One place where it is set, in any thread, counts
            for all.
    """
    _enter(exact)
    try:
        yield
    finally:
        _leave(exact)


def _enter(exact: bool) -> None:
    global _before
    with _lock:
        if not _within:
            _before = cudnn.deterministic, cudnn.allow_tf32
        _within.append(exact)
        _set_flags()


def _leave(exact: bool) -> None:
    with _lock:
        _within.remove(exact)
        _set_flags()


def _set_flags() -> None:
    deterministic, allow_tf32 = _before
    cudnn.deterministic = deterministic or bool(_within)
    cudnn.allow_tf32 = allow_tf32 and not any(_within)


@contextmanager
def applying() -> Iterator[None]:
    """Where a trained model is applied: without gradients, repeatably and exactly.

    Raises:
        OptionError: the memory of a GPU is full.
    """
    with within_memory(), repeatable(exact=True), torch.inference_mode():
        yield


@contextmanager
def within_memory() -> Iterator[None]:
    """Where a batch has to fit into the memory of a GPU.

    Raises:
        OptionError: it does not.
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        found = str(error).partition(". ")[0]  # advice about PyTorch follows
        raise OptionError(f"batch_size=N: {found}; choose a smaller one, or device='cpu'") from error


def computing_in(precision: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Where matrix products are computed in `precision`, and the rest in float32."""
    return nullcontext() if precision == torch.float32 else torch.autocast(device.type, precision)


def select_device(name: str = "auto") -> torch.device:
    """The device called `name` (cpu, cuda, cuda:N, mps); auto is CUDA where there is one, else the CPU.

    Raises:
        OptionError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda", "mps"):
            raise RuntimeError(f"no support for {device.type}")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        available = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        available += ["mps"] * torch.backends.mps.is_available()
        raise OptionError(
            f"device {name!r} cannot be used here; choose one of: auto, {', '.join(available)}"
        ) from error
    return device
