# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss, gradients and statistics of batches that processes share against those of one: for torchrun.

Prints, for each kind of model, the largest difference in double precision.
"""

import torch

from audeep.models.base import Batch, Network
from audeep.models.layers.draws import drawing_from
from audeep.models.registry import model_type_of
from audeep.training.distributed import ALONE, Processes, joined
from audeep.training.objectives import LearnsBeside, objective_of
from tests.support.trainings import TRAININGS, Training

SIZES = 5, 2, 1  # instances of batches; of the last there are fewer than processes


def batch_of(training: Training, size: int) -> Batch:
    """Noise of different lengths, with soft targets."""
    generator = torch.Generator().manual_seed(size)
    steps, bands = training.shape
    frames = torch.rand(size, steps, bands, generator=generator, dtype=torch.float64) * 2 - 1
    lengths = None if training.lengths is None else torch.tensor((list(training.lengths) * size)[:size])
    if training.kind == "contrastive":  # two views of each recording, whose numbers these are
        return Batch(torch.cat([frames, frames.flip(1) / 2]), None, torch.arange(size).repeat(2))
    targets = torch.rand(size, 2, generator=generator, dtype=torch.float64)
    return Batch(frames, lengths, targets if training.is_tagger else None)


def results(processes: Processes, model: Network, batch: Batch) -> list[torch.Tensor]:
    """The loss, all gradients, and what the model then is."""
    objective, parameters, views = objective_of(model), list(model.parameters()), 1
    if isinstance(objective, LearnsBeside):
        views = 2
        with drawing_from(1):
            beside = objective.learned_beside(max(SIZES))
        parameters += [] if beside is None else beside.double().parameters()
    with drawing_from(0), processes.shared(batch, views) as (part, share):
        loss = processes.loss(objective, objective.loss(part), part, share)
        loss.backward()
    processes.add_gradients(parameters)
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return [loss.detach(), *gradients, *model.state_dict().values()]


def make(training: Training) -> Network:
    """The model in double precision."""
    steps, bands = training.shape
    model_type = model_type_of(training.kind)
    labels = {"num_labels": 2} if training.is_tagger else {}
    with drawing_from(0):
        return model_type(model_type.config_type(steps, bands, **labels, **training.config)).double().train()


def main() -> None:
    """One line for each kind."""
    with joined() as processes:
        for name, training in TRAININGS.items():
            if name == "random":
                continue
            largest = 0.0
            for size in SIZES:
                batch = batch_of(training, size)
                for one, other in zip(
                    results(ALONE, make(training), batch), results(processes, make(training), batch), strict=True
                ):
                    largest = max(largest, float((one - other).abs().max() / one.abs().max().clamp(min=1e-6)))
            if processes.is_first:
                print(name, largest, flush=True)


if __name__ == "__main__":
    main()
