# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines of recordings."""

import numpy as np
import pytest
import soundfile

from audeep.audio import outline as module
from audeep.audio.outline import outline


@pytest.mark.parametrize("num_samples, most_spans", [(1000, 4000), (1001, 100), (1, 10), (99_999, 7)])
def test_an_outline_has_the_extremes_of_each_span(tmp_path, num_samples, most_spans, monkeypatch):
    samples = np.random.default_rng(0).uniform(-1, 1, (num_samples, 2))
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype="DOUBLE")
    blocks = module.decoded
    monkeypatch.setattr(module, "decoded", lambda *given: blocks(*given, 777))  # as if it were long
    found = outline(tmp_path / "a.wav", 500, most_spans)
    spans = [samples[start : start + found.span] for start in range(0, num_samples, found.span)]
    assert len(spans) <= most_spans
    np.testing.assert_array_equal(found.lows, np.array([span.min(axis=0) for span in spans]).T)
    np.testing.assert_array_equal(found.highs, np.array([span.max(axis=0) for span in spans]).T)
    np.testing.assert_array_equal(found.first, samples[:500].T)
    assert (found.info.num_samples, found.info.sample_rate, found.info.num_channels) == (num_samples, 8000, 2)
