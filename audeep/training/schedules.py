# SPDX-License-Identifier: GPL-3.0-or-later
"""The learning rate at each step."""

import math

from audeep.training.options import TrainingOptions

LOWEST_AT_START, LOWEST_AT_END = 1 / 25, 1 / 250_000  # of the schedule "one-cycle", as PyTorch has them
WARMUP_STEPS = 50  # over which the learning rate rises in the schedule "cosine"


def learning_rate(options: TrainingOptions, step: int, per_epoch: int) -> float:
    """The learning rate at a step, counted from 1, where an epoch has `per_epoch` steps."""
    share = 1.0
    if options.schedule == "cosine":
        done = min(1, step / (options.num_epochs * per_epoch))  # more where a run went on with smaller batches
        share = min(1, step / WARMUP_STEPS) * (1 + math.cos(math.pi * done)) / 2
    elif options.schedule == "one-cycle":
        share = _one_cycle((step - 1), options.num_epochs * per_epoch, options.rising_share)
    elif options.schedule == "linear":
        epoch = -(-step // per_epoch)
        falling = options.num_epochs - options.decay_start
        share = min(1, max(0, options.num_epochs - epoch) / falling) if falling > 0 else 1.0
    elif options.schedule == "staircase":
        share = options.decay_rate ** ((step - 1) // max(1, int(per_epoch * options.decay_epochs)))
    return options.learning_rate * share


def _one_cycle(step: int, num_steps: int, rising: float) -> float:
    """Share of the learning rate at a step, counted from 0."""
    top, last = rising * num_steps - 1, num_steps - 1
    if step <= top:
        return _between(LOWEST_AT_START, 1, step / top if top > 0 else 1)
    return _between(1, LOWEST_AT_END, min(1, (step - top) / (last - top)))


def _between(start: float, end: float, done: float) -> float:
    """Along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
