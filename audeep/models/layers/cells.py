# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells of the recurrent core (see `native`), step by step forward, and then back for gradients."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol, TypeAlias

import torch
from torch import Tensor

from audeep.models.layers import native

_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input  # (d_output, output, grad_input=d_input)
tanh_backward = torch.ops.aten.tanh_backward.grad_input


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


class _Cells:
    """One layer of cells, step by step forward and then back; what goes back overwrites what went forward.

    Args:
        of_products: the type to compute matrix products in; None if it is that of the weights.
        hidden: where the states before each step and after the last are to be, [time + 1, batch, units].
    """

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
        self.is_compiled = native.is_compiled(self.b_ih)
        self.hidden = self._empty(num_steps + 1) if hidden is None else hidden
        self.h = self.hidden.unbind(0)
        self.h[0].copy_(state[:, -1])
        # products with the inputs, then gates, then their gradients; compiled gates add the bias
        self.gates = self._empty(num_steps, len(self.w_ih) // self.units)
        self.g = self.gates.unbind(0)
        self.bias: Tensor  # what is added to the products with the inputs
        self.d_hidden: Tensor  # gradient of the hidden state, while going back
        self.d_bias: Tensor  # sums of the gradients of what the bias is added to, [4 * units], of compiled gates only
        self.d_sums: list[Tensor]  # gradients of w_ih and w_hh over the steps that `add_step` was given

    def _empty(self, num_steps: int, parts: int = 1) -> Tensor:
        return self.b_ih.new_empty(num_steps, self.batch, parts * self.units)

    def read(self, inputs: Tensor) -> None:
        """Take the inputs of all steps, [time, batch, inputs]."""
        product(inputs.reshape(-1, inputs.shape[2]), self.w_ih.t(), out=self.gates.flatten(0, 1))
        if not self.is_compiled:
            self.gates += self.bias

    def read_step(self, step: int, frame: Tensor) -> None:
        """Take the input of one step, [batch, inputs]."""
        product(frame, self.w_ih.t(), out=self.g[step])
        if not self.is_compiled:
            self.g[step].add_(self.bias)

    def _gradients(self, inputs: Tensor, *d_products: Tensor) -> Tensor:
        """Gradient of a weight from those of its products with the inputs of all steps, rows in parts."""
        flat = inputs.reshape(-1, inputs.shape[2]).to(self.w_ih.dtype)
        rows = [part.shape[2] for part in d_products]
        gradient = self.b_ih.new_empty(sum(rows), flat.shape[1])
        for part, out in zip(d_products, gradient.split(rows), strict=True):
            product(part.flatten(0, 1).t(), flat, out=out)
        return gradient

    def start_back(self) -> None:
        """Get ready to go back."""
        self.d_hidden, self.buffer = torch.zeros_like(self.h[0]), torch.zeros_like(self.h[0])
        self.d_bias = self.b_ih.new_zeros(4 * self.units)

    def start_sums(self) -> None:
        """Get ready for `add_step`."""
        self.d_sums = [self.b_ih.new_zeros(each.shape) for each in (self.w_ih, self.w_hh)]

    def of_state(self, step: int) -> Tensor:
        """Gradient of the products with the state, once it is known: [batch, gates * units]."""
        return self.g[step]

    def add_step(self, step: int, frame: Tensor) -> None:
        """Add to `d_sums` the gradients at one step, which had `frame` [batch, inputs] as its input."""
        seen = ((self.g[step], frame), (self.of_state(step), self.h[step]))
        for (d_products, values), d_weight in zip(seen, self.d_sums, strict=True):
            add_product(d_weight, d_products.t(), values.to(self.w_ih.dtype))

    def end_here(self, rows: Tensor | slice, d_last: Tensor) -> None:
        """Take the gradient of the last state [rows, parts, units] of sequences that end with the step to come."""
        self.d_hidden[rows] += d_last[:, -1]

    def d_inputs(self, out: Tensor) -> None:
        """Gradient of the inputs, to `out` [time, batch, inputs]."""
        product(self.gates.flatten(0, 1), self.w_ih, out=out.flatten(0, 1))

    def d_input(self, step: int, out: Tensor | None = None) -> Tensor:
        """Gradient of the input of one step, [batch, inputs]."""
        return product(self.g[step], self.w_ih, out)


class GruCells(_Cells):
    """h' = n + z (h - n) with n = tanh(W_n x + b_n + r (U_n h + c_n)), r and z being the reset and the update gate."""

    def __init__(
        self,
        of_products: torch.dtype | None,
        num_steps: int,
        state: Tensor,
        weights: Sequence[Tensor],
        hidden: Tensor | None = None,
    ) -> None:
        super().__init__(of_products, num_steps, state, weights, hidden)
        self.r, self.z, self.n = (gate.unbind(0) for gate in self.gates.split(self.units, dim=2))
        two = 2 * self.units
        self.bias = torch.cat([self.b_ih[:two] + self.b_hh[:two], self.b_ih[two:]])
        self.c_new = self.b_hh[two:]
        self.recurrent = self._empty(num_steps)  # U_n h + c_n
        self.u = self.recurrent.unbind(0)
        self.products = self._empty(1, 3)[0]  # of the state, or of its gradient, in one step

    def run(self, step: int) -> None:
        """Compute the state after `step`."""
        hidden, gates, recurrent, following = self.h[step], self.g[step], self.u[step], self.h[step + 1]
        product(hidden, self.w_hh.t(), out=self.products)
        if self.is_compiled:
            arrays = (gates, recurrent, self.products, hidden, following, self.bias, self.c_new)
            native.kernels.gru_forward(*[array.data_ptr() for array in arrays], self.batch, self.units)
            return
        of_reset, of_update, of_new = self.products.split(self.units, dim=1)
        reset, update = self.r[step].add_(of_reset).sigmoid_(), self.z[step].add_(of_update).sigmoid_()
        torch.add(of_new, self.c_new, out=recurrent)
        new = self.n[step].addcmul_(reset, recurrent).tanh_()
        torch.lerp(new, hidden, update, out=following)

    def last_state(self, lengths: Tensor | None = None) -> Tensor:
        """After the last step, or after `lengths` [batch] steps: [batch, parts, units]."""
        return state_after(self.hidden, lengths).unsqueeze(1)

    def back(self, step: int, d_output: Tensor | None) -> None:
        """Turn what `step` made into gradients of it, and `d_hidden` into that of the state before."""
        hidden, gates, recurrent, products = self.h[step], self.g[step], self.u[step], self.products
        d_hidden, buffer = self.d_hidden, self.buffer
        if self.is_compiled:
            d_output = buffer if d_output is None else d_output
            arrays = (d_hidden, gates, recurrent, products, hidden, d_output, self.d_bias)
            native.kernels.gru_backward(*[array.data_ptr() for array in arrays], self.batch, self.units)
        else:
            reset, update, new = self.r[step], self.z[step], self.n[step]
            if d_output is not None:
                d_hidden += d_output
            torch.sub(hidden, new, out=buffer).mul_(d_hidden)
            d_new = torch.addcmul(d_hidden, d_hidden, update, value=-1)
            d_hidden.mul_(update)
            _sigmoid_backward(buffer, update, grad_input=update)
            tanh_backward(d_new, new, grad_input=new)
            torch.mul(new, recurrent, out=buffer)
            torch.mul(new, reset, out=recurrent)
            _sigmoid_backward(buffer, reset, grad_input=reset)
            torch.cat([reset, update, recurrent], dim=1, out=products)
        add_product(d_hidden, products, self.w_hh)

    def of_state(self, step: int) -> Tensor:
        """Gradient of the products with the state, once it is known and before that of another step."""
        return self.products

    @property
    def d_state(self) -> Tensor:
        """Gradient of the state before the first step, [batch, parts, units]."""
        return self.d_hidden.unsqueeze(1)

    def d_weights(self, inputs: Tensor) -> list[Tensor]:
        """Gradients of w_ih and w_hh."""
        of_state = self.gates[:, :, : 2 * self.units]
        return [self._gradients(inputs, self.gates), self._gradients(self.hidden[:-1], of_state, self.recurrent)]

    def d_biases(self) -> list[Tensor]:
        """Gradients of b_ih and b_hh."""
        if not self.is_compiled:
            self.d_bias = torch.cat([self.gates.sum((0, 1)), self.recurrent.sum((0, 1))])
        of_both, of_new, of_recurrent = self.d_bias.split([2 * self.units, self.units, self.units])
        return [torch.cat([of_both, of_new]), torch.cat([of_both, of_recurrent])]


class LstmCells(_Cells):
    """c' = f c + i g and h' = o tanh(c'), i, f and o being the input, forget and output gate, g the candidate."""

    def __init__(
        self,
        of_products: torch.dtype | None,
        num_steps: int,
        state: Tensor,
        weights: Sequence[Tensor],
        hidden: Tensor | None = None,
    ) -> None:
        super().__init__(of_products, num_steps, state, weights, hidden)
        self.i, self.f, self.n, self.o = (gate.unbind(0) for gate in self.gates.split(self.units, dim=2))
        self.bias = self.b_ih + self.b_hh
        self.carry, self.shown = self._empty(num_steps + 1), self._empty(num_steps)
        self.carry[0] = state[:, 0]
        self.c, self.tanh_c = self.carry.unbind(0), self.shown.unbind(0)

    def run(self, step: int) -> None:
        """Compute the state after `step`."""
        gates, carry, following = self.g[step], self.c[step], self.c[step + 1]
        shown, output = self.tanh_c[step], self.h[step + 1]
        add_product(gates, self.h[step], self.w_hh.t())
        if self.is_compiled:
            arrays = (gates, carry, following, shown, output, self.bias)
            native.kernels.lstm_forward(*[array.data_ptr() for array in arrays], self.batch, self.units)
            return
        i, f, g, o = self.i[step].sigmoid_(), self.f[step].sigmoid_(), self.n[step].tanh_(), self.o[step].sigmoid_()
        torch.mul(f, carry, out=following).addcmul_(i, g)
        torch.tanh(following, out=shown)
        torch.mul(o, shown, out=output)

    def last_state(self, lengths: Tensor | None = None) -> Tensor:
        """After the last step, or after `lengths` [batch] steps: [batch, parts, units]."""
        return torch.stack([state_after(self.carry, lengths), state_after(self.hidden, lengths)], dim=1)

    def start_back(self) -> None:
        """Get ready to go back."""
        super().start_back()
        self.d_carry = torch.zeros_like(self.h[0])

    def end_here(self, rows: Tensor | slice, d_last: Tensor) -> None:
        """Take the gradient of the last state [rows, parts, units] of sequences that end with the step to come."""
        super().end_here(rows, d_last)
        self.d_carry[rows] += d_last[:, 0]

    def back(self, step: int, d_output: Tensor | None) -> None:
        """Turn what `step` made into gradients of it, and `d_hidden` and `d_carry` into those of the state before."""
        gates, carry, shown = self.g[step], self.c[step], self.tanh_c[step]
        d_hidden, d_carry, buffer = self.d_hidden, self.d_carry, self.buffer
        if self.is_compiled:
            d_output = buffer if d_output is None else d_output
            arrays = (d_hidden, d_carry, gates, carry, shown, d_output, self.d_bias)
            native.kernels.lstm_backward(*[array.data_ptr() for array in arrays], self.batch, self.units)
        else:
            i, f, g, o = self.i[step], self.f[step], self.n[step], self.o[step]
            if d_output is not None:
                d_hidden += d_output
            torch.mul(d_hidden, o, out=buffer)
            tanh_backward(buffer, shown, grad_input=buffer)
            d_carry.add_(buffer)
            torch.mul(d_hidden, shown, out=buffer)
            _sigmoid_backward(buffer, o, grad_input=o)
            torch.mul(d_carry, g, out=buffer)
            other = d_carry * i
            _sigmoid_backward(buffer, i, grad_input=i)
            tanh_backward(other, g, grad_input=g)
            torch.mul(d_carry, carry, out=buffer)
            d_carry.mul_(f)
            _sigmoid_backward(buffer, f, grad_input=f)
        product(gates, self.w_hh, out=d_hidden)

    @property
    def d_state(self) -> Tensor:
        """Gradient of the state before the first step, [batch, parts, units]."""
        return torch.stack([self.d_carry, self.d_hidden], dim=1)

    def d_weights(self, inputs: Tensor) -> list[Tensor]:
        """Gradients of w_ih and w_hh."""
        return [self._gradients(inputs, self.gates), self._gradients(self.hidden[:-1], self.gates)]

    def d_biases(self) -> list[Tensor]:
        """Gradients of b_ih and b_hh."""
        d_bias = self.d_bias if self.is_compiled else self.gates.sum((0, 1))
        return [d_bias, d_bias.clone()]


Cells: TypeAlias = GruCells | LstmCells


class MakeCells(Protocol):
    """Makes cells whose products are computed in the type that is wanted now."""

    def __call__(
        self, num_steps: int, state: Tensor, weights: Sequence[Tensor], hidden: Tensor | None = None
    ) -> Cells: ...


CELLS: Mapping[str, type[GruCells] | type[LstmCells]] = {"GRU": GruCells, "LSTM": LstmCells}


def maker_of(cell: str, device: torch.device) -> MakeCells:
    """What makes cells of a kind ("GRU" or "LSTM")."""
    return partial(CELLS[cell], native.type_of_products(device))
