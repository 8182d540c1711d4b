# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of cells of the recurrent core (see `native`), and the matrix products that they share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor


def product(values: Tensor, weights: Tensor, out: Tensor | None = None) -> Tensor:
    """The matrix product, computed in the type of `weights`, in that of `values`, or in `out`."""
    if values.dtype == weights.dtype == (values.dtype if out is None else out.dtype):
        return torch.mm(values, weights, out=out)
    found = torch.mm(values.to(weights.dtype), weights)
    return found.to(values.dtype) if out is None else out.copy_(found)


def add_product(target: Tensor, values: Tensor, weights: Tensor) -> None:
    """Add to `target` the matrix product, computed in the type of `weights`."""
    if values.dtype == weights.dtype:
        target.addmm_(values, weights)
    else:
        target += torch.mm(values.to(weights.dtype), weights)


def state_after(states: Tensor, lengths: Tensor | None) -> Tensor:
    """Of states before each step and after the last, [time + 1, batch, units], the last or those after `lengths`."""
    return states[-1] if lengths is None else states[lengths, torch.arange(len(lengths), device=lengths.device)]


class BaseCells(ABC):
    """One layer of cells, step by step forward and then back; what goes back overwrites what went forward.

    Args:
        of_products: the type to compute matrix products in; None if it is that of the weights.
        hidden: where the states before each step and after the last are to be, [time + 1, batch, units].
    """

    d_hidden: Tensor  # gradient of the hidden state, while going back
    d_sums: list[Tensor]  # gradients of w_ih and w_hh over the steps that `add_step` was given

    def __init__(
        self,
        of_products: torch.dtype | None,
        num_steps: int,
        state: Tensor,
        weights: Sequence[Tensor],
        hidden: Tensor | None = None,
    ) -> None:
        self.num_steps, (self.batch, _, self.units) = num_steps, state.shape
        self.w_ih, self.w_hh, self.b_ih, self.b_hh = (weight.detach() for weight in weights)
        self.w_ih, self.w_hh = (weight.to(of_products or weight.dtype) for weight in (self.w_ih, self.w_hh))
        self.hidden = self._empty(num_steps + 1) if hidden is None else hidden
        self.h = self.hidden.unbind(0)
        self.h[0].copy_(state[:, -1])
        self.parts = [slice(0, self.batch)]  # of the batch, that `run_all` and `back_all` go through
        self._start(state)

    @abstractmethod
    def _start(self, state: Tensor) -> None:
        """Get ready to go forward from `state`, [batch, parts, units]."""

    def _empty(self, num_steps: int, parts: int = 1) -> Tensor:
        return self.b_ih.new_empty(num_steps, self.batch, parts * self.units)

    def split(self, number: int) -> None:  # noqa: B027  # most do nothing
        """Make at most `number` parts of the batch, if each can go through all steps on its own."""

    @abstractmethod
    def read(self, inputs: Tensor) -> None:
        """Take the inputs of all steps, [time, batch, inputs]."""

    @abstractmethod
    def read_step(self, step: int, frame: Tensor) -> None:
        """Take the input of the step to come, [batch, inputs]."""

    @abstractmethod
    def run(self, step: int) -> None:
        """Compute the state after `step`."""

    def run_all(self, part: int = 0) -> None:
        """Compute the states of one of `parts` after all steps, the inputs of which were read."""
        for step in range(self.num_steps):
            self.run(step)

    @abstractmethod
    def last_state(self, lengths: Tensor | None = None) -> Tensor:
        """After the last step, or after `lengths` [batch] steps: [batch, parts, units]."""

    def start_back(self) -> None:
        """Get ready to go back."""
        self.d_hidden, self.buffer = torch.zeros_like(self.h[0]), torch.zeros_like(self.h[0])

    def start_sums(self) -> None:
        """Get ready for `add_step`."""
        self.d_sums = [self.b_ih.new_zeros(each.shape) for each in (self.w_ih, self.w_hh)]

    def end_here(self, rows: Tensor | slice, d_last: Tensor) -> None:
        """Take the gradient of the last state [rows, parts, units] of sequences that end with the step to come."""
        self.d_hidden[rows] += d_last[:, -1]

    @abstractmethod
    def back(self, step: int, d_output: Tensor | None) -> None:
        """Turn what `step` made into gradients of it, and those of the state after it into those of that before it."""

    def back_all(self, first: int, stop: int, d_outputs: Tensor | None, part: int = 0) -> None:
        """Go back to step `first` in one of `parts`, given the gradients of the outputs of all steps."""
        for step in reversed(range(first, stop)):
            self.back(step, None if d_outputs is None else d_outputs[step])

    @abstractmethod
    def of_input(self, step: int) -> Tensor:
        """Gradient of the products with the input, once gone back through a step: [batch, gates * units]."""

    @abstractmethod
    def of_state(self, step: int) -> Tensor:
        """Gradient of the products with the state, before going back through another step."""

    def add_step(self, step: int, frame: Tensor) -> None:
        """Add to `d_sums` the gradients at one step, which had `frame` [batch, inputs] as its input."""
        seen = ((self.of_input(step), frame), (self.of_state(step), self.h[step]))
        for (d_products, values), d_weight in zip(seen, self.d_sums, strict=True):
            add_product(d_weight, d_products.t(), values.to(self.w_ih.dtype))

    def summed(self) -> list[Tensor]:
        """Gradients of w_ih and w_hh that `add_step` has added up."""
        return self.d_sums

    @abstractmethod
    def d_input(self, step: int, out: Tensor | None = None) -> Tensor:
        """Gradient of the input of one step, [batch, inputs]."""

    @abstractmethod
    def d_inputs(self, out: Tensor) -> None:
        """Gradient of the inputs, to `out` [time, batch, inputs]."""

    @property
    @abstractmethod
    def d_state(self) -> Tensor:
        """Gradient of the state before the first step, [batch, parts, units]."""

    @abstractmethod
    def d_weights(self, inputs: Tensor) -> list[Tensor]:
        """Gradients of w_ih and w_hh, once gone back through all steps without `add_step`."""

    @abstractmethod
    def d_biases(self) -> list[Tensor]:
        """Gradients of b_ih and b_hh."""
