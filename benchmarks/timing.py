# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: several things timed in turn, medians, and the bare matrix products of networks."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch

REPEATS = 7


def alternate(
    repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter, **things: Callable[[], object]
) -> dict[str, float]:
    """Median seconds of each of several things, after one run of each that does not count, run in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for turn in range(repeats + 1):
        for name, thing in things.items():
            start = clock()
            thing()
            if turn:
                seconds[name].append(clock() - start)
    for name, found in seconds.items():
        print(f"{name:<28} {statistics.median(found):8.3f} s   (from {min(found):.3f} to {max(found):.3f})")
    return {name: statistics.median(found) for name, found in seconds.items()}


class Products:
    """The matrix products of one recurrent layer over a sequence, and those of its gradients, and nothing else.

    Args:
        num_steps, batch, inputs, units: sizes.
        gates: 3 for GRU, 4 for LSTM.
        d_inputs: whether the gradient of the inputs is needed, as in all layers but the lowest.
        by_step: whether inputs come step by step, as they do in autoregressive decoding.
    """

    def __init__(
        self,
        num_steps: int,
        batch: int,
        inputs: int,
        units: int,
        gates: int = 3,
        d_inputs: bool = True,
        by_step: bool = False,
    ) -> None:
        self.num_steps, self.d_inputs, self.by_step = num_steps, d_inputs, by_step
        self.x, self.h = torch.randn(num_steps * batch, inputs), torch.randn(num_steps * batch, units)
        self.g = torch.randn(num_steps * batch, gates * units)
        self.w_ih, self.w_hh = torch.randn(gates * units, inputs), torch.randn(gates * units, units)
        self.d_ih, self.d_hh, self.d_x = map(torch.empty_like, (self.w_ih, self.w_hh, self.x))
        self.frame, self.state = self.x[:batch].clone(), self.h[:batch].clone()
        self.gate, self.d_frame = self.g[:batch].clone(), torch.empty_like(self.x[:batch])

    def forward(self) -> None:
        if self.by_step:
            for _ in range(self.num_steps):
                torch.mm(self.frame, self.w_ih.t(), out=self.gate)
        else:
            torch.mm(self.x, self.w_ih.t(), out=self.g)
        for _ in range(self.num_steps):
            torch.mm(self.state, self.w_hh.t(), out=self.gate)

    def backward(self) -> None:
        for _ in range(self.num_steps):
            torch.mm(self.gate, self.w_hh, out=self.state)
        if self.by_step:
            for _ in range(self.num_steps):
                torch.mm(self.gate, self.w_ih, out=self.d_frame)
        elif self.d_inputs:
            torch.mm(self.g, self.w_ih, out=self.d_x)
        torch.mm(self.g.t(), self.x, out=self.d_ih)
        torch.mm(self.g.t(), self.h, out=self.d_hh)


class Linear:
    """The matrix products of a fully connected layer, and those of its gradients."""

    def __init__(self, rows: int, inputs: int, outputs: int) -> None:
        self.x, self.w, self.y = torch.randn(rows, inputs), torch.randn(outputs, inputs), torch.empty(rows, outputs)
        self.d_x, self.d_w = torch.empty_like(self.x), torch.empty_like(self.w)

    def forward(self) -> None:
        torch.mm(self.x, self.w.t(), out=self.y)

    def backward(self) -> None:
        torch.mm(self.y, self.w, out=self.d_x)
        torch.mm(self.y.t(), self.x, out=self.d_w)


def floor_of(parts: Sequence[Products | Linear], is_trained: bool = True) -> Callable[[], None]:
    """All products of a model once, forward and, if `is_trained`, back."""

    def run() -> None:
        for part in parts:
            part.forward()
        if is_trained:
            for part in parts:
                part.backward()

    return run


def report(what: str, ratio: float, target: str) -> None:
    """The last line of a benchmark."""
    print(f"{what}: {ratio:.2f} (to reach: {target})")
