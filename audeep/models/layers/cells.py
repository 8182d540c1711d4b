# SPDX-License-Identifier: GPL-3.0-or-later
"""Cells whose products PyTorch computes, and whose gates are compiled or operations of PyTorch."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from audeep.models.layers import native
from audeep.models.layers.base_cells import BaseCells, add_product, product, state_after
from audeep.models.layers.fused_cells import FusedGruCells

_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input  # (d_output, output, grad_input=d_input)
tanh_backward = torch.ops.aten.tanh_backward.grad_input


class _GatedCells(BaseCells):
    """Cells that keep their gates, which become their gradients."""

    bias: Tensor  # what is added to the products with the inputs
    d_bias: Tensor  # sums of the gradients of what biases are added to, [4 * units], by compiled gates

    def _start(self, state: Tensor) -> None:
        self.is_compiled = native.is_compiled(self.b_ih)
        # products with the inputs, then gates, then their gradients; compiled gates add the bias
        self.gates = self._empty(self.num_steps, len(self.w_ih) // self.units)
        self.g = self.gates.unbind(0)

    def read(self, inputs: Tensor) -> None:
        product(inputs.reshape(-1, inputs.shape[2]), self.w_ih.t(), out=self.gates.flatten(0, 1))
        if not self.is_compiled:
            self.gates += self.bias

    def read_step(self, step: int, frame: Tensor) -> None:
        product(frame, self.w_ih.t(), out=self.g[step])
        if not self.is_compiled:
            self.g[step].add_(self.bias)

    def start_back(self) -> None:
        super().start_back()
        self.d_bias = self.b_ih.new_zeros(4 * self.units)

    def of_input(self, step: int) -> Tensor:
        return self.g[step]

    def of_state(self, step: int) -> Tensor:
        return self.g[step]

    def d_inputs(self, out: Tensor) -> None:
        product(self.gates.flatten(0, 1), self.w_ih, out=out.flatten(0, 1))

    def d_input(self, step: int, out: Tensor | None = None) -> Tensor:
        return product(self.g[step], self.w_ih, out)

    def _gradients(self, inputs: Tensor, *d_products: Tensor) -> Tensor:
        """Gradient of a weight from those of its products with the inputs of all steps, rows in parts."""
        flat = inputs.reshape(-1, inputs.shape[2]).to(self.w_ih.dtype)
        rows = [part.shape[2] for part in d_products]
        gradient = self.b_ih.new_empty(sum(rows), flat.shape[1])
        for part, out in zip(d_products, gradient.split(rows), strict=True):
            product(part.flatten(0, 1).t(), flat, out=out)
        return gradient


class GruCells(_GatedCells):
    """h' = n + z (h - n) with n = tanh(W_n x + b_n + r (U_n h + c_n)), r and z being the reset and the update gate."""

    def _start(self, state: Tensor) -> None:
        super()._start(state)
        self.r, self.z, self.n = (gate.unbind(0) for gate in self.gates.split(self.units, dim=2))
        two = 2 * self.units
        self.bias = torch.cat([self.b_ih[:two] + self.b_hh[:two], self.b_ih[two:]])
        self.c_new = self.b_hh[two:].contiguous()
        self.recurrent = self._empty(self.num_steps)  # U_n h + c_n
        self.u = self.recurrent.unbind(0)
        self.products = self._empty(1, 3)[0]  # of the state, or of its gradient, in one step

    def run(self, step: int) -> None:
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
        return state_after(self.hidden, lengths).unsqueeze(1)

    def back(self, step: int, d_output: Tensor | None) -> None:
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
        return self.d_hidden.unsqueeze(1)

    def d_weights(self, inputs: Tensor) -> list[Tensor]:
        of_state = self.gates[:, :, : 2 * self.units]
        return [self._gradients(inputs, self.gates), self._gradients(self.hidden[:-1], of_state, self.recurrent)]

    def d_biases(self) -> list[Tensor]:
        if not self.is_compiled:
            self.d_bias = torch.cat([self.gates.sum((0, 1)), self.recurrent.sum((0, 1))])
        of_both, of_new, of_recurrent = self.d_bias.split([2 * self.units, self.units, self.units])
        return [torch.cat([of_both, of_new]), torch.cat([of_both, of_recurrent])]


class LstmCells(_GatedCells):
    """c' = f c + i g and h' = o tanh(c'), i, f and o being the input, forget and output gate, g the candidate."""

    def _start(self, state: Tensor) -> None:
        super()._start(state)
        self.i, self.f, self.n, self.o = (gate.unbind(0) for gate in self.gates.split(self.units, dim=2))
        self.bias = self.b_ih + self.b_hh
        self.carry, self.shown = self._empty(self.num_steps + 1), self._empty(self.num_steps)
        self.carry[0] = state[:, 0]
        self.c, self.tanh_c = self.carry.unbind(0), self.shown.unbind(0)

    def run(self, step: int) -> None:
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
        return torch.stack([state_after(self.carry, lengths), state_after(self.hidden, lengths)], dim=1)

    def start_back(self) -> None:
        super().start_back()
        self.d_carry = torch.zeros_like(self.h[0])

    def end_here(self, rows: Tensor | slice, d_last: Tensor) -> None:
        """Take the gradient of the last state [rows, parts, units] of sequences that end with the step to come."""
        super().end_here(rows, d_last)
        self.d_carry[rows] += d_last[:, 0]

    def back(self, step: int, d_output: Tensor | None) -> None:
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
        return torch.stack([self.d_carry, self.d_hidden], dim=1)

    def d_weights(self, inputs: Tensor) -> list[Tensor]:
        return [self._gradients(inputs, self.gates), self._gradients(self.hidden[:-1], self.gates)]

    def d_biases(self) -> list[Tensor]:
        d_bias = self.d_bias if self.is_compiled else self.gates.sum((0, 1))
        return [d_bias, d_bias.clone()]


class MakeCells(Protocol):
    """Makes cells whose products are computed in the type that is wanted now."""

    def __call__(
        self, num_steps: int, state: Tensor, weights: Sequence[Tensor], hidden: Tensor | None = None
    ) -> BaseCells: ...


def maker_of(cell: str, device: torch.device) -> MakeCells:
    """What makes cells of a kind ("GRU" or "LSTM")."""
    of_products = native.type_of_products(device)

    def make(num_steps: int, state: Tensor, weights: Sequence[Tensor], hidden: Tensor | None = None) -> BaseCells:
        if cell == "GRU" and of_products is None and num_steps and native.lanes_of(state, weights):
            return FusedGruCells(of_products, num_steps, state, weights, hidden)
        return {"GRU": GruCells, "LSTM": LstmCells}[cell](of_products, num_steps, state, weights, hidden)

    return make
