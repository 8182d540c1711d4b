# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of a batch, drawn at random at each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audeep.models.base import Batch, ContrastiveNetwork, Network, Tagger, TaggerConfig
from audeep.models.layers.draws import CPU, generator_for
from audeep.models.layers.lengths import lengths_of
from audeep.models.layers.windows import PAD, frames_at, windows_of
from audeep.runtime.constants import SILENCE
from audeep.training.levels import changed, factors
from audeep.training.objectives import soft
from audeep.training.options import AugmentationOptions, ContrastiveOptions, TaggingOptions, TrainingOptions


class _Silent:
    """Recordings that are too short are followed by silence, or come after it."""

    fit_frames, fill, pad_value = None, PAD, SILENCE


class Fitting(Protocol):
    """How recordings are filled that are too short: fields of the same names of `TaggerConfig`."""

    @property
    def fit_frames(self) -> int | None: ...
    @property
    def fill(self) -> str: ...
    @property
    def pad_value(self) -> float: ...


def augmented(batch: Batch, model: Network, options: TrainingOptions) -> Batch:
    """What a model is trained on in place of a batch."""
    if isinstance(model, ContrastiveNetwork) and isinstance(options, ContrastiveOptions):
        return _views(batch, model.views, options)
    if not (isinstance(model, Tagger) and isinstance(options, TaggingOptions)):
        return batch if options.crop_frames is None else cropped(batch, options.crop_frames)
    if options.crop_frames is not None:
        batch = excerpts(batch, options.crop_frames, model.config, options)
    else:
        frames, lengths = model.fitted(batch.frames, batch.lengths)
        batch = Batch(frames, lengths, batch.targets)
    batch = masked(batch._replace(frames=changed(batch.frames, options)), options)
    if options.mixup:
        batch = mixed(batch, _random().beta(options.mixup, options.mixup, len(batch.frames)), model.config.num_labels)
    return batch if not options.label_smoothing else smoothed(batch, options.label_smoothing, model.config)


def _views(batch: Batch, count: int, options: ContrastiveOptions) -> Batch:
    """So many augmented excerpts of each recording, all the first ones before all the second ones."""
    assert options.crop_frames is not None, "recordings are told apart by excerpts"
    found = excerpts(Batch(*map(_repeated(count), batch)), options.crop_frames, _Silent(), options)
    return masked(found._replace(frames=changed(found.frames, options)), options)


def _repeated(count: int) -> Callable[[Tensor | None], Any]:
    return lambda each: None if each is None else torch.cat([each] * count)


def for_validation(batch: Batch, model: Network, options: TrainingOptions) -> Batch:
    """What the validation loss is computed on in place of a batch: where recordings are told apart, their ends."""
    if not isinstance(model, ContrastiveNetwork) or options.crop_frames is None:
        return batch
    frames, lengths, targets = batch
    ends = lengths_of(frames, lengths, CPU)
    places = (torch.zeros_like(ends), ends - options.crop_frames)
    found = [windows_of(frames, lengths, starts, options.crop_frames, PAD, SILENCE) for starts in places]
    return Batch(torch.cat(found), None, _repeated(2)(targets))


def cropped(batch: Batch, num_frames: int) -> Batch:
    """A random excerpt of `num_frames` frames of each spectrogram; shorter ones stay whole."""
    frames, lengths, targets = batch
    if frames.shape[1] <= num_frames:
        return batch
    last = lengths_of(frames, lengths, CPU)
    starts = (torch.rand(len(frames), generator=generator_for()) * ((last - num_frames).clamp(min=0) + 1)).long()
    found = windows_of(frames, None, starts, num_frames)
    lengths = None if lengths is None else lengths.clamp(max=num_frames)
    return Batch(found, None if lengths is None or bool((lengths == num_frames).all()) else lengths, targets)


def excerpts(batch: Batch, num_frames: int, config: Fitting, options: AugmentationOptions | None = None) -> Batch:
    """A random excerpt of `num_frames` frames of each recording, which is filled as `config` says where it is shorter.

    Where recordings are made `fit_frames` long, that is what they are taken from. The place of a shorter recording in
    its padding is drawn at random. Excerpts may be stretched in time, and the loudest of several, as `options` say.
    """
    frames, lengths, targets = batch
    options = options or AugmentationOptions(crop_frames=num_frames)
    longest = lengths_of(frames, lengths, CPU)
    available = longest if config.fit_frames is None else torch.full_like(longest, config.fit_frames)
    steps = torch.arange(num_frames).unsqueeze(0)  # [1, time]
    if options.time_stretch > 1:
        steps = steps * factors(len(frames), options.time_stretch).unsqueeze(1)
    room = available - steps[:, -1].ceil().long() - 1
    if config.fill != PAD:
        room = room.clamp(min=0)
    drawn = torch.rand(options.loudest_of, len(frames), generator=generator_for())
    moved = (drawn * (room.abs() + 1 + 2 * options.crop_margin)).long() - options.crop_margin
    starts = _loudest(batch, torch.where(room < 0, -moved, moved), num_frames, config)
    rows = (starts.unsqueeze(1) + steps).to(frames.device)
    fill = config.fill, config.pad_value
    if options.time_stretch == 1:
        return Batch(frames_at(frames, lengths, rows, *fill), None, targets)
    before = rows.floor().long()
    found = frames_at(frames, lengths, before, *fill), frames_at(frames, lengths, before + 1, *fill)
    return Batch(torch.lerp(*found, (rows - before).unsqueeze(2)), None, targets)


def _loudest(batch: Batch, starts: Tensor, num_frames: int, config: Fitting) -> Tensor:
    """Of several places [place, batch], for each instance that where the mean over an excerpt is highest [batch]."""
    if len(starts) == 1:
        return starts[0]
    levels = batch.frames.mean(dim=2, keepdim=True)
    of_places = [
        windows_of(levels, batch.lengths, each, num_frames, config.fill, config.pad_value).mean(dim=(1, 2))
        for each in starts
    ]
    return starts.gather(0, torch.stack(of_places).argmax(dim=0, keepdim=True).cpu())[0]


def masked(batch: Batch, options: AugmentationOptions) -> Batch:
    """Random spans of frames and of bands of each spectrogram replaced by `mask_value`, or by its mean."""
    if not (options.time_masks or options.freq_masks):
        return batch
    frames, random = batch.frames, _random()
    size, num_frames, num_bands = frames.shape
    is_masked = np.zeros(frames.shape, bool)
    for count, widest, extent, axis in (
        (options.time_masks, options.time_mask_frames, num_frames, 1),
        (options.freq_masks, options.freq_mask_bands, num_bands, 2),
    ):
        for _ in range(count):
            spans = _spans(random, size, widest, extent)
            is_masked |= np.expand_dims(spans, 3 - axis)
    where = torch.from_numpy(is_masked).to(frames.device)
    if options.mask_value is not None:
        return batch._replace(frames=frames.masked_fill(where, options.mask_value))
    return batch._replace(frames=torch.where(where, frames.mean(dim=(1, 2), keepdim=True), frames))


def _spans(random: np.random.Generator, size: int, widest: int, extent: int) -> NDArray[np.bool_]:
    """One span of up to `widest` positions for each of `size` instances: [instance, extent]."""
    widths = random.integers(0, min(widest, extent), size, endpoint=True)
    starts = random.integers(0, extent - widths, endpoint=True)
    positions = np.arange(extent)
    return (positions >= starts[:, np.newaxis]) & (positions < (starts + widths)[:, np.newaxis])


def mixed(batch: Batch, shares: NDArray[np.float64], num_labels: int) -> Batch:
    """Each instance mixed with the one at its place from the end of the batch, of which it keeps `shares` [batch].

    Source: Zhang et al., mixup: Beyond Empirical Risk Minimization (ICLR 2018); the pairing is that of Dorfer and
    Widmer (DCASE 2018).
    """
    assert batch.targets is not None, "what a tagger is trained on has labels"
    frames, targets = batch.frames, soft(batch.targets, num_labels)
    kept = torch.from_numpy(shares.astype(np.float32)).to(frames.device)
    lengths = None if batch.lengths is None else torch.maximum(batch.lengths, batch.lengths.flip(0))
    of_frames, of_targets = kept.view(-1, 1, 1), kept.view(-1, 1)
    return Batch(
        torch.lerp(frames.flip(0), frames, of_frames), lengths, torch.lerp(targets.flip(0), targets, of_targets)
    )


def smoothed(batch: Batch, share: float, config: TaggerConfig) -> Batch:
    """Targets of which `share` is spread over all labels, or of several labels, is moved to 0.5."""
    assert batch.targets is not None, "what a tagger is trained on has labels"
    even = 0.5 if config.multi_label else 1 / config.num_labels
    return batch._replace(targets=soft(batch.targets, config.num_labels) * (1 - share) + share * even)


def _random() -> np.random.Generator:
    """A generator of NumPy whose seed is drawn from that of the layers."""
    return np.random.default_rng(int(torch.randint(2**62, (), generator=generator_for())))
