# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes of spectrograms: seconds and round frequencies, where the front end knows them."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from audeep.audio.front_ends.mel import Preprocessor
from audeep.cli.render.places import name_bands, places_of, span_of


def test_round_frequencies_are_marked_where_they_lie_among_the_bands() -> None:
    axes = Figure().subplots()
    name_bands(axes, np.linspace(0, 4000, 41), 0.5)
    assert dict(zip([text.get_text() for text in axes.get_yticklabels()], axes.get_yticks(), strict=True)) == (
        pytest.approx({"200": 2.5, "500": 5.5, "1,000": 10.5, "2,000": 20.5})
    )
    assert axes.get_ylabel() == "frequency (Hz)"
    name_bands(axes, None, known_as="band")
    assert axes.get_ylabel() == "band"


def test_frames_reach_from_the_start_of_the_first_to_the_end_of_the_last() -> None:
    assert span_of(np.array([0.04, 0.08, 0.12]), 3) == pytest.approx((0.02, 0.14))
    assert span_of(None, 3) == (-0.5, 2.5)


def test_places_are_known_for_one_sample_rate_alone() -> None:
    front_end = Preprocessor(window_width=0.08, window_overlap=0.04, mel_spectrum=8, sample_rate=8000)
    times, frequencies = places_of(front_end, 5)
    np.testing.assert_allclose(times, 0.04 + 0.04 * np.arange(5))
    assert len(frequencies) == 8 and (np.diff(frequencies) > 0).all() and frequencies[-1] < 4000
    assert places_of(None, 5) == places_of(Preprocessor(), 5) == (None, None)
