# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches that several processes share (see `training.distributed`): sums over all of their instances.

A layer whose outputs for one instance depend on the others of the batch, as batch normalisation does, takes `summed` of
what it adds up, or `gathered` of what it compares. Without other processes both give what they are given.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function

from audeep.errors import Stopped

_is_sharing: ContextVar[bool] = ContextVar("is_sharing", default=False)


@contextmanager
def sharing_batches() -> Iterator[None]:
    """Say that the instances that layers are given are a part of a batch, the rest of which other processes have."""
    token = _is_sharing.set(True)
    try:
        yield
    finally:
        _is_sharing.reset(token)


def is_shared() -> bool:
    """Whether other processes have a part of the batch."""
    return _is_sharing.get()


def summed(values: Tensor) -> Tensor:
    """The sum over all processes; so is its gradient."""
    result: Tensor = _Sum.apply(values) if is_shared() else values  # type: ignore[no-untyped-call]
    return result


def gathered(values: Tensor) -> list[Tensor]:
    """The values [batch, ...] of each process, in order, whose numbers of instances may differ."""
    if not is_shared():
        return [values]
    sizes = torch.zeros(dist.get_world_size(), dtype=torch.int64, device=values.device)
    sizes[dist.get_rank()] = len(values)
    counts = add_up(sizes).tolist()
    before, after = sum(counts[: dist.get_rank()]), sum(counts[dist.get_rank() + 1 :])
    others = [values.new_zeros(size, *values.shape[1:]) for size in (before, after)]
    return list(summed(torch.cat([others[0], values, others[1]])).split(counts))


def add_up(values: Tensor) -> Tensor:
    """The sum over all processes, in place.

    Raises:
        Stopped: another process has ended.
    """
    try:
        dist.all_reduce(values)
    except RuntimeError as error:  # what each backend raises where a connection is lost
        raise Stopped("another process of this training has ended") from error
    return values


class _Sum(Function):
    """Each process goes on from its own copy of the sum, so the gradients of all copies are summed, too."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return add_up(values.clone(memory_format=torch.contiguous_format))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return add_up(gradient.clone(memory_format=torch.contiguous_format))
