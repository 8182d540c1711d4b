# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of GRUs whose products and gates are compiled together (`_gru.h`)."""

import torch
from torch import Tensor

from audeep.models.layers import native
from audeep.models.layers.base_cells import BaseCells, add_product, product, state_after

FEWEST_ROWS = 16  # sequences that are worth a thread of their own


class FusedGruCells(BaseCells):
    """What `GruCells` compute, for float32 on the CPU and units for which `native.lanes_of` has lanes.

    Kept of each unit and step are candidate, reset and update gate, and what the reset gate is multiplied by; they
    become the gradients of the sums behind them.
    """

    d_bias: Tensor  # sums of gradients of what is kept, [part, 4 * units]

    def _start(self, state: Tensor) -> None:
        weights = self.w_ih, self.w_hh, self.b_ih, self.b_hh
        if {len(each) for each in weights} != {3 * self.units} or self.w_hh.shape[1] != self.units:
            raise RuntimeError(f"a state of {self.units} units and weights of other numbers cannot be multiplied")
        self.lanes = native.lanes_of(state, weights)
        self.kept = self._empty(self.num_steps, 4)
        self.w_ih = self._candidate_first(self.w_ih)
        self.packed = [self._packed(each) for each in (self.w_ih, self._candidate_first(self.w_hh))]
        of_input, of_state = self._candidate_first(self.b_ih), self._candidate_first(self.b_hh)
        of_input[self.units :] += of_state[self.units :]
        self.bias = torch.cat([of_input, of_state[: self.units]])

    def _candidate_first(self, weight: Tensor) -> Tensor:
        """Rows of a weight, or numbers of a bias, in the order of what is kept."""
        return weight.roll(self.units, 0)

    def _packed(self, weight: Tensor) -> Tensor:
        """Of as many units as there are lanes, the weights of all gates for one input after another."""
        return weight.reshape(3, -1, self.lanes, weight.shape[1]).permute(1, 3, 0, 2).contiguous()

    def split(self, number: int) -> None:
        size = max(FEWEST_ROWS, -(-self.batch // number))
        self.parts = [slice(start, min(start + size, self.batch)) for start in range(0, self.batch, size)]

    def read(self, inputs: Tensor) -> None:
        if inputs.shape[2] != self.w_ih.shape[1]:
            raise RuntimeError(
                f"{inputs.shape[2]} inputs and {self.w_ih.shape[1]} weights of each cannot be multiplied"
            )
        if inputs.shape[1] != self.batch or len(inputs) > self.num_steps:
            raise RuntimeError(
                f"inputs of {inputs.shape[1]} sequences and states of {self.batch} do not belong together"
            )
        inputs = inputs.to(self.w_ih.dtype)
        self.inputs = inputs if inputs.stride(2) == 1 else inputs.contiguous()

    def read_step(self, step: int, frame: Tensor) -> None:
        self.read(frame.unsqueeze(0))

    def run(self, step: int) -> None:
        self._run(step, slice(0, self.batch))

    def run_all(self, part: int = 0) -> None:
        self._run(0, self.parts[part])

    def _run(self, first: int, rows: slice) -> None:
        """As many steps as inputs were read."""
        inputs, row = self.inputs, rows.start
        arrays = inputs[0, row], self.kept[first, row], self.hidden[first, row], *self.packed, self.bias
        steps = *inputs.stride()[:2], self.hidden.stride(0)
        sizes = len(inputs), self.batch, rows.stop - row, inputs.shape[2], self.units
        native.kernels.gru_steps(*[array.data_ptr() for array in arrays], self.lanes, *steps, *sizes)

    def last_state(self, lengths: Tensor | None = None) -> Tensor:
        return state_after(self.hidden, lengths).unsqueeze(1)

    def start_back(self) -> None:
        super().start_back()
        self.d_kept = self.kept
        self.d_bias = self.b_ih.new_zeros(len(self.parts), 4 * self.units)
        self.packed = [self.w_hh.reshape(3 * self.units, -1, 2 * self.lanes).transpose(0, 1).contiguous()]

    def start_sums(self) -> None:
        super().start_sums()
        self.d_kept = self._empty(1, 4).expand_as(self.kept)  # of one step at a time, which stays in a cache

    def back(self, step: int, d_output: Tensor | None) -> None:
        self._back(step, 1, None if d_output is None else d_output.unsqueeze(0), slice(0, self.batch), 0)

    def back_all(self, first: int, stop: int, d_outputs: Tensor | None, part: int = 0) -> None:
        if stop > first:
            d_outputs = None if d_outputs is None else d_outputs[first:stop]
            self._back(first, stop - first, d_outputs, self.parts[part], part)

    def _back(self, first: int, number: int, d_outputs: Tensor | None, rows: slice, part: int) -> None:
        """Back through some steps."""
        row = rows.start
        if d_outputs is None:
            d_outputs = self.buffer.expand(number, *self.buffer.shape)
        arrays = [self.d_hidden[row], *(each[first, row] for each in (self.kept, self.hidden, self.d_kept))]
        arrays += [self.d_bias[part], d_outputs[0, row], *self.packed]
        steps = [each.stride(0) for each in (self.hidden, self.d_kept, d_outputs)]
        sizes = number, self.batch, rows.stop - row, self.units
        native.kernels.gru_steps_back(*[array.data_ptr() for array in arrays], self.lanes, *steps, *sizes)

    def of_input(self, step: int) -> Tensor:
        return self.d_kept[step, :, : 3 * self.units]

    def of_state(self, step: int) -> Tensor:
        return self.d_kept[step, :, self.units :]

    def add_step(self, step: int, frame: Tensor) -> None:
        seen = ((self.of_input(step), frame), (self.of_state(step), self.h[step]))
        for (d_products, values), d_weight in zip(seen, self.d_sums, strict=True):
            values = values.to(self.w_ih.dtype)
            if values.shape[1] < 2 * self.lanes or values.stride(1) != 1:
                add_product(d_weight, d_products.t(), values)
                continue
            arrays, sizes = (d_products, values, d_weight), (d_products.stride(0), values.stride(0), self.batch)
            native.kernels.add_outer(*[array.data_ptr() for array in arrays], self.lanes, *sizes, *d_weight.shape)

    def summed(self) -> list[Tensor]:
        return self._as_weights(*self.d_sums)

    def _as_weights(self, of_input: Tensor, of_state: Tensor) -> list[Tensor]:
        """Gradients of products with the input in the order of what is kept, and with the state, in that of weights."""
        return [of_input.roll(-self.units, 0), of_state]

    def d_input(self, step: int, out: Tensor | None = None) -> Tensor:
        return product(self.of_input(step), self.w_ih, out)

    def d_inputs(self, out: Tensor) -> None:
        product(self.d_kept.flatten(0, 1)[:, : 3 * self.units], self.w_ih, out=out.flatten(0, 1))

    @property
    def d_state(self) -> Tensor:
        return self.d_hidden.unsqueeze(1)

    def d_weights(self, inputs: Tensor) -> list[Tensor]:
        gradients, found = self.d_kept.flatten(0, 1), []
        seen = ((gradients[:, : 3 * self.units], inputs), (gradients[:, self.units :], self.hidden[:-1]))
        for d_products, values in seen:
            flat = values.reshape(-1, values.shape[2]).to(self.w_ih.dtype)
            found.append(product(d_products.t(), flat))
        return self._as_weights(*found)

    def d_biases(self) -> list[Tensor]:
        d_bias = self.d_bias.sum(0)
        return self._as_weights(d_bias[: 3 * self.units], d_bias[self.units :])
