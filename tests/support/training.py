# SPDX-License-Identifier: GPL-3.0-or-later
"""What may befall a training."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook


@contextmanager
def after_step(step: int, act: Callable[[torch.optim.Optimizer], None]) -> Iterator[None]:
    """Call `act` with the optimiser after the given step of any optimiser, counted from 1 in this block."""
    count = 0

    def note(optimiser: torch.optim.Optimizer, *_: object) -> None:
        nonlocal count
        count += 1
        if count == step:
            act(optimiser)

    handle = register_optimizer_step_post_hook(note)
    try:
        yield
    finally:
        handle.remove()


def interrupt(_: torch.optim.Optimizer) -> None:
    """What Ctrl-C does."""
    raise KeyboardInterrupt


def terminate(_: torch.optim.Optimizer) -> None:
    """What `kill` does."""
    os.kill(os.getpid(), signal.SIGTERM)
