# SPDX-License-Identifier: GPL-3.0-or-later
"""Training by several processes that torchrun has started: each takes its part of each batch.

The loss of a batch, its gradients and the statistics of batch normalisation are those of the whole batch, so the
processes have the same weights at all times, and the learning curve is that of one process up to rounding. The first
process alone writes files and logs; of an error that several have, one reports.
"""

import atexit
import logging
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd import Function
from torch.distributed.rendezvous import rendezvous

from audeep.errors import AudeepError, OptionError
from audeep.models.base import Batch
from audeep.models.devices import select_device
from audeep.models.layers.draws import drawing_from, generator_for, seed_of
from audeep.models.layers.processes import add_up, sharing_batches
from audeep.training.objectives import Objective

_FAILURE = "audeep/failure"  # what the process says that failed first


@dataclass(frozen=True)
class Processes:
    """The processes of a training, and which of them this is.

    Attributes:
        rank: of this process, from 0.
        count: of all.
        local_rank, local_count: the same among those of this machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1

    @property
    def are_several(self) -> bool:
        """Whether there is any other."""
        return self.count > 1

    @property
    def is_first(self) -> bool:
        """Whether this one writes and logs."""
        return self.rank == 0

    def device(self, name: str) -> torch.device:
        """The device called `name`; of several processes on CUDA, each has a device of its own.

        Raises:
            OptionError: there is no such device, or there are too few.
        """
        device = select_device(name)
        if not self.are_several or device.type != "cuda":
            return device
        found = torch.cuda.device_count()
        if device.index is not None or self.local_count > found:
            raise OptionError(
                f"device={name}: {self.local_count} processes need a device each, and this machine has {found}; start"
                " fewer processes, or pass device='cuda' or 'cpu'"
            )
        torch.cuda.set_device(self.local_rank)
        return torch.device("cuda", self.local_rank)

    def check_batch_size(self, batch_size: int) -> None:
        """Check that a batch has an instance for each process.

        Raises:
            OptionError: it has not.
        """
        if batch_size < self.count:
            raise OptionError(
                f"batch_size={batch_size}: {self.count} processes share a batch; choose a larger one, or start fewer"
            )

    @contextmanager
    def shared(self, batch: Batch, views: int = 1) -> Iterator[tuple[Batch, float]]:
        """The part of a batch that is for this process, and what share of its loss counts.

        Each process draws its own random numbers. A batch with fewer instances than processes is for each as a whole.

        Args:
            views: how many times each instance is in the batch; all come before all are there again.
        """
        if not self.are_several:
            yield batch, 1.0
            return
        drawn = int(torch.randint(2**62, (), generator=generator_for()))
        size = len(batch.frames) // views
        with ExitStack() as stack:
            if size < self.count:
                stack.enter_context(drawing_from(drawn))
                yield batch, 1 / self.count
                return
            stack.enter_context(drawing_from(seed_of(drawn, self.rank)))
            stack.enter_context(sharing_batches())
            yield self._part(batch, np.arange(len(batch.frames)).reshape(views, size)), 1.0

    def _part(self, batch: Batch, places: np.ndarray) -> Batch:
        """Those instances of a batch whose `places` [view, instance] are for this process, by turns."""
        rows = torch.from_numpy(places[:, self.rank :: self.count].flatten()).to(batch.frames.device)
        frames, lengths, targets = (None if each is None else each[rows.to(each.device)] for each in batch)
        assert frames is not None, "a batch has spectrograms"
        return Batch(frames if lengths is None else frames[:, : int(lengths.max())], lengths, targets)

    def loss(self, objective: Objective, loss: Tensor, part: Batch, share: float) -> Tensor:
        """The loss of the whole batch, from that of a part; its gradients are to be added up (`add_gradients`)."""
        if not self.are_several:
            return loss
        value, weight = objective.total(loss, part)
        added: Tensor = _Added.apply(value * share)  # type: ignore[no-untyped-call]
        return objective.mean(added, add_up(torch.as_tensor(weight * share, dtype=added.dtype, device=added.device)))

    def add_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Add up the gradients of all processes."""
        if not self.are_several:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        added = add_up(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, part in zip(gradients, added.split([each.numel() for each in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def sums(self, *values: float) -> Sequence[float]:
        """Each value summed over all processes."""
        if not self.are_several:
            return values
        found: list[float] = add_up(torch.tensor(values, dtype=torch.float64)).tolist()
        return found

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return self.sums(float(flag))[0] > 0

    def wait(self) -> None:
        """Go on when all processes are here."""
        self.any(False)

    def start_alike(self, tensors: Iterable[Tensor]) -> None:
        """Give the values that the first process has to all."""
        if not self.are_several:
            return
        with torch.no_grad():
            for tensor in tensors:
                if not self.is_first:
                    tensor.zero_()
                add_up(tensor.data)


ALONE = Processes()


class _Added(Function):
    """The sum over all processes. All have the same loss, of which each finds the gradients of its own part."""

    @staticmethod
    def forward(ctx: object, value: Tensor) -> Tensor:
        return add_up(value.clone())

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient


@contextmanager
def joined() -> Iterator[Processes]:
    """With the other processes that torchrun has started, if any; what others than the first log is not seen.

    An error that another process reports ends this one with status 1.

    Raises:
        AudeepError: what is raised inside, in one of the processes.
    """
    if not dist.is_torchelastic_launched() or int(os.environ["WORLD_SIZE"]) == 1:
        yield ALONE
        return
    processes, store = _join()
    before = logging.root.manager.disable
    logging.disable(before if processes.is_first else max(before, logging.WARNING))
    try:
        yield processes
    except AudeepError as error:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # by which torchrun asks to end what is ending
        if not _is_reporter(store, processes.rank, error):
            raise SystemExit(1) from error
        raise
    finally:
        logging.disable(before)


@cache
def _join() -> tuple[Processes, Any]:
    """The processes, which stay together until they end, and what they share with torchrun."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    rank, count, *local = (int(os.environ[name]) for name in names)
    store, *_ = next(rendezvous("env://"))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=count)
    atexit.register(_leave)
    return Processes(rank, count, *local), store


def _leave() -> None:
    with suppress(RuntimeError):  # connections may be lost
        dist.destroy_process_group()


def _is_reporter(store: Any, rank: int, error: AudeepError) -> bool:
    """Whether this process is the first that failed; the store is left with torchrun."""
    own = f"{rank}: {error}"
    try:
        return bool(store.compare_set(_FAILURE, "", own) == own.encode())
    except RuntimeError:  # it is gone, so no other has been faster
        return True
