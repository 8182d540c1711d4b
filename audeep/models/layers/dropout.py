# SPDX-License-Identifier: GPL-3.0-or-later
"""Dropout (Srivastava et al., JMLR 2014) that costs little on the CPU."""

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from audeep.models.layers import native
from audeep.models.layers.draws import generator_for

SMALLEST_PART = 2**16  # values that are worth a thread of their own


class Dropout(nn.Dropout):
    """Set values to zero with probability `p` while training, and scale up the others to the same mean.

    The probability is rounded to a multiple of 2^-16: on the CPU 16 random bits decide about a value.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return inputs
        if not (native.is_on_cpu(inputs) and native.uses_native(inputs)):
            return inputs * self._are_kept(inputs.shape, inputs.device) * (2**16 / self.kept)
        if native.is_compiled(inputs):
            outputs: Tensor = _Dropout.apply(inputs, self.kept, draw_keys())  # type: ignore[no-untyped-call]
            return outputs
        return inputs * self._drawn_mask(tuple(inputs.shape), inputs)

    @property
    def kept(self) -> int:
        """How many of 2^16 values are kept; some are, some are not."""
        return min(max(1, round((1 - self.p) * 2**16)), 2**16 - 1)

    def mask(self, shape: Iterable[int], like: Tensor) -> Tensor | None:
        """What inputs of `shape` are to be multiplied by, in the type of `like`; None if nothing is dropped."""
        if not self.training or self.p == 0:
            return None
        shape = tuple(shape)
        if not native.is_on_cpu(like):
            return self._are_kept(shape, like.device).to(like.dtype).mul_(2**16 / self.kept)
        if native.is_compiled(like):
            return dropped(like.new_ones(shape), self.kept, draw_keys())
        return self._drawn_mask(shape, like)

    def _are_kept(self, shape: Iterable[int], device: torch.device) -> Tensor:
        kept = torch.empty(tuple(shape), dtype=torch.bool, device=device)
        return kept.bernoulli_(self.kept / 2**16, generator=generator_for(device))

    def _drawn_mask(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        size = math.prod(shape)
        bits = torch.empty(-(-size // 4), dtype=torch.int64, device=like.device)
        bits.random_(-(2**63), None, generator=generator_for(like.device))
        mask = bits.view(torch.int16)[:size] < self.kept - 2**15
        return mask.to(like.dtype).mul_(2**16 / self.kept).view(shape)


class _Dropout(Function):
    """Nothing is kept for the backward pass but the keys: they give the same random numbers again."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, kept: int, keys: tuple[int, int]) -> Tensor:
        ctx.kept, ctx.keys = kept, keys
        return dropped(inputs, kept, keys)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        return dropped(d_outputs, ctx.kept, ctx.keys), None, None


def draw_keys() -> tuple[int, int]:
    """Two random numbers of 32 bits, from which all those of one dropout follow."""
    first, second = torch.randint(2**32, (2,), generator=generator_for()).tolist()
    return first, second


def dropped(values: Tensor, kept: int, keys: tuple[int, int]) -> Tensor:
    """Keep `kept` of 2^16 values, chosen by the keys whatever the number of threads; for compiled float32."""
    values = values.contiguous()
    outputs = torch.empty_like(values)
    size = values.numel()
    parts = max(1, min(torch.get_num_threads(), size // SMALLEST_PART))
    ends = [size * part // parts for part in range(parts + 1)]
    native.run_parallel(
        [
            partial(
                native.kernels.dropout,
                *(values.data_ptr() + 4 * start, outputs.data_ptr() + 4 * start),
                *(start % 2**32, stop - start, kept, 2**16 / kept, *keys),
            )
            for start, stop in zip(ends, ends[1:], strict=False)
        ]
    )
    return outputs
