# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans of frames that an encoder does not see while training (as in Baevski et al., wav2vec 2.0, NeurIPS 2020)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from audeep.models.layers.draws import CPU, generator_for
from audeep.models.layers.lengths import frames_within


class SpanMask(nn.Module):
    """While training, replace `share` of the frames, in spans of about `span`, by the mean of the batch."""

    __call__: Callable[..., Tensor]

    def __init__(self, share: float, span: int) -> None:
        super().__init__()
        self.share, self.span = share, span

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, time, freq] -> [batch, time, freq]; the mean is that of the first `lengths` [batch] frames."""
        if not self.training or self.share == 0:
            return frames
        batch, num_steps, _ = frames.shape
        masked = random_spans(num_steps, batch, self.share, self.span, frames.device).t()
        seen = frames if lengths is None else frames[frames_within(frames, lengths)]
        return torch.where(masked.unsqueeze(2), seen.mean(), frames)


def random_spans(num_steps: int, batch: int, share: float, span: int, device: torch.device = CPU) -> Tensor:
    """Random spans of about `span` steps of each sequence, [time, batch] bool.

    There is at least one, and as many as would cover `share` of it if none overlapped; but they may overlap and begin
    before the first step, so they mostly cover less. They have half to one and a half times that length.
    """
    steps, generator = torch.arange(num_steps, device=device).unsqueeze(1), generator_for(device)
    covered = torch.zeros(num_steps, batch, dtype=torch.bool, device=device)
    for _ in range(max(1, round(share * num_steps / span))):
        starts = torch.randint(-(span // 2), num_steps, (batch,), generator=generator, device=device)
        lengths = torch.randint(max(1, span // 2), span * 3 // 2 + 1, (batch,), generator=generator, device=device)
        covered |= (steps >= starts) & (steps < starts + lengths)
    return covered
