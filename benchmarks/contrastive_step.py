# SPDX-License-Identifier: GPL-3.0-or-later
"""A training step of contrastive, with its augmentation and its optimiser, against its bare convolutions.

Seconds are those of all threads (CPU time), in the precision that it trains in by default.
"""

import time

import torch
from tagger_step import bare_convolutions
from timing import alternate, report
from torch import nn

from audeep.models.base import Batch
from audeep.models.contrastive import Contrastive, ContrastiveConfig, TellingApart
from audeep.models.devices import computing_in
from audeep.models.layers.draws import drawing_from
from audeep.runtime.memory import reuse_memory
from audeep.training.augmentation import augmented
from audeep.training.options import ContrastiveOptions
from audeep.training.trainer import optimiser_of

NUM_RECORDINGS, NUM_FRAMES, NUM_BANDS = 400, 498, 64  # as ESC-10 has with frames of 10 ms


def main() -> None:
    reuse_memory()
    options = ContrastiveOptions()
    precision, device = getattr(torch, options.precision), torch.device("cpu")
    model = Contrastive(ContrastiveConfig(NUM_FRAMES, NUM_BANDS)).train()
    objective = TellingApart(model)
    beside = objective.learned_beside(NUM_RECORDINGS)
    assert isinstance(beside, nn.Module)
    optimiser = optimiser_of([*model.parameters(), *beside.parameters()], options)
    frames = torch.rand(options.batch_size, NUM_FRAMES, NUM_BANDS) * 2 - 1
    batch = Batch(frames, None, torch.arange(options.batch_size))

    def step() -> None:
        optimiser.zero_grad()
        with drawing_from(1):
            crops = augmented(batch, model, options)
            with computing_in(precision, device):
                loss = objective.loss(crops)
            loss.backward()
        optimiser.step()

    with computing_in(precision, device):
        alone = bare_convolutions(model, augmented(batch, model, options).frames)

    def convolutions() -> None:
        with computing_in(precision, device):
            alone()

    seconds = alternate(5, time.process_time, audeep=step, convolutions=convolutions)
    share = seconds["convolutions"] / seconds["audeep"]
    report("contrastive, share of the speed of the bare convolutions", share, "0.60")


if __name__ == "__main__":
    main()
