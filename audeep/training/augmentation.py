# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a batch, drawn at random at each step."""

import torch

from audeep.models.base import Batch
from audeep.models.layers.draws import generator_for


def cropped(batch: Batch, num_frames: int) -> Batch:
    """A random excerpt of `num_frames` frames of each spectrogram; shorter ones stay whole."""
    frames, lengths, targets = batch
    size, longest, num_bands = frames.shape
    if longest <= num_frames:
        return batch
    last = torch.full((size,), longest) if lengths is None else lengths.cpu()
    starts = (torch.rand(size, generator=generator_for()) * ((last - num_frames).clamp(min=0) + 1)).long()
    rows = (starts.unsqueeze(1) + torch.arange(num_frames)).to(frames.device)  # [batch, num_frames]
    found = frames.gather(1, rows.unsqueeze(2).expand(-1, -1, num_bands))
    lengths = None if lengths is None else lengths.clamp(max=num_frames)
    return Batch(found, None if lengths is None or bool((lengths == num_frames).all()) else lengths, targets)
