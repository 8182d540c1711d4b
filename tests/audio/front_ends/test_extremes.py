# SPDX-License-Identifier: GPL-3.0-or-later
"""What every front end of the tagging systems does with samples that nobody expects."""

import numpy as np
import pytest

from audeep.audio.front_ends.registry import FRONT_ENDS, front_end_of, front_end_type_of, name_of, settings_of
from audeep.errors import AudioError, OptionError

NAMES = [name for name in FRONT_ENDS.built_in if name != "mel"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trim", [True, False])
def test_samples_that_are_too_loud_are_an_error_and_the_faintest_are_silence(name: str, trim: bool) -> None:
    front_end = front_end_type_of(name)(trim_silence=trim)
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 44100))
    for scale in (1e-320, 1e-30, 1.0, 1e10):
        assert np.isfinite(front_end.chunks_and_rate_of("a", noise * scale, 44100, False)[0]).all()
    if not trim and name != "log-bands":  # which scale what they get
        with pytest.raises(AudioError, match=r"^a: has samples that are too loud for single precision; "):
            front_end.chunks_and_rate_of("a", noise * 1e39 / np.abs(noise).max(), 44100)


@pytest.mark.parametrize("name", NAMES)
def test_channels_rates_and_lengths_are_those_that_are_wanted(name: str) -> None:
    front_end = front_end_type_of(name)(channels="DIFF", fixed_length=0.5, trim_silence=False)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 22050)
    found, rate = front_end.chunks_and_rate_of("a", np.stack([noise, 0.5 * noise]), 22050)
    expected, _ = front_end.chunks_and_rate_of("a", 0.5 * noise[np.newaxis], 22050)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert rate == front_end.sample_rate and front_end.has_one_length and front_end.part_seconds == 0.5
    with pytest.raises(AudioError, match=r"^a: 3 channels found, channels=DIFF needs exactly 2"):
        front_end.chunks_and_rate_of("a", np.ones((3, 44100)), 44100)


@pytest.mark.parametrize("name", FRONT_ENDS.built_in)
def test_what_is_remembered_makes_the_same_front_end(name: str) -> None:
    front_end = front_end_type_of(name)(sample_rate=8000, fixed_length=2.5)
    settings = settings_of(front_end)
    assert name_of(front_end) == name == settings.get("front_end", "mel")
    assert front_end_of(settings) == front_end
    with pytest.raises(OptionError, match="^loud: is not a front end; choose one of mel, perceptual-mel, "):
        front_end_of({**settings, "front_end": "loud"})
    with pytest.raises(OptionError, match="^front_end=3: expected the name of a front end$"):
        front_end_of({**settings, "front_end": 3})
    with pytest.raises(OptionError, match="^loudness: is unknown$"):
        front_end_of({**settings, "loudness": 3})
