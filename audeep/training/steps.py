# SPDX-License-Identifier: GPL-3.0-or-later
"""A step of a training: from a batch to other weights."""

import math
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from audeep.models.base import Batch, ContrastiveNetwork, Network
from audeep.models.devices import computing_in
from audeep.models.layers.draws import drawing_from, seed_of
from audeep.training.augmentation import augmented
from audeep.training.distributed import Processes
from audeep.training.graphs import RecordedSteps
from audeep.training.objectives import Objective
from audeep.training.options import TrainingOptions
from audeep.training.schedules import learning_rate

LOSS_SCALES = {torch.float32: 1, torch.bfloat16: 1, torch.float16: 2**12}  # so that small gradients do not become 0


class Steps:
    """Steps of an optimiser, of which `per_epoch` are an epoch; all random numbers follow from a seed and the step."""

    def __init__(
        self,
        model: Network,
        objective: Objective,
        optimiser: torch.optim.Optimizer,
        options: TrainingOptions,
        seed: int,
        per_epoch: int,
        processes: Processes,
    ) -> None:
        self.model, self.objective, self.optimiser, self.options = model, objective, optimiser, options
        self.seed, self.per_epoch, self.processes = seed, per_epoch, processes
        self.precision: torch.dtype = getattr(torch, options.precision)
        self.scale = LOSS_SCALES[self.precision]
        self.parameters = [each for group in optimiser.param_groups for each in group["params"]]
        self.recorded = RecordedSteps(
            self._gradients, self.parameters, is_on=model.draws_itself and not processes.are_several
        )

    def __call__(self, batch: Batch, step: int) -> float:
        """Take a step, counted from 1, and give the loss of the batch before it."""
        options = self.options
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(options, step, self.per_epoch)
            if options.epsilon_hat:
                group["eps"] = options.epsilon / math.sqrt(1 - group["betas"][1] ** step)
        self.optimiser.zero_grad()
        with self._drawing(step):
            loss = self.recorded(augmented(batch, self.model, options))
        self.processes.add_gradients(self.parameters)
        for parameter in self.parameters:
            if self.scale != 1 and parameter.grad is not None:
                parameter.grad /= self.scale
        if options.gradient_limit:
            nn.utils.clip_grad_value_(self.parameters, options.gradient_limit)
        self.optimiser.step()
        return loss.item()

    def loss(self, batch: Batch, step: int) -> Tensor:
        """The loss of the batch at a step, which is not taken."""
        with self._drawing(step):
            return self._loss(augmented(batch, self.model, self.options))

    def _drawing(self, step: int) -> AbstractContextManager[None]:
        return drawing_from(seed_of(self.seed, step), everything=not self.model.draws_itself)

    def _gradients(self, batch: Batch) -> Tensor:
        """The loss of an augmented batch, whose gradients, scaled, are added to those of the parameters."""
        loss = self._loss(batch)
        (loss * self.scale).backward()
        return loss.detach()

    def _loss(self, batch: Batch) -> Tensor:
        views = self.model.views if isinstance(self.model, ContrastiveNetwork) else 1
        with self.processes.shared(batch, views) as (part, share):
            with computing_in(self.precision, part.frames.device):
                loss = self.objective.loss(part)
            return self.processes.loss(self.objective, loss, part, share)
