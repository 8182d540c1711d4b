# SPDX-License-Identifier: GPL-3.0-or-later
"""Silence is cut off as SoX does it: which samples stay is exact, their values but for its dither."""

import json
from pathlib import Path

import numpy as np
import pytest

from audeep.audio.trimming import at_peak, trim_silence
from tests.support.tagging import rate_of, signals

SETTINGS = {"threshold": 0.0015, "min_seconds": 0.025, "peak_db": -0.1}


def test_the_samples_that_sox_kept_stay(golden: Path) -> None:
    stats = json.loads((golden / "tagging/front_end_stats.json").read_text(encoding="utf-8"))["files"]
    kept = np.load(golden / "tagging/a_trimmed_wav.npz")
    compared = [name for name in signals(golden) if "samples_out" in stats.get(name, {}).get("trim", {})]
    assert len(compared) == len(stats) and set(kept.files) <= set(compared)
    for name in compared:
        trimmed = trim_silence(signals(golden)[name] / 2**15, rate_of(name), **SETTINGS)
        assert len(trimmed) == stats[name]["trim"]["samples_out"], name
        if name in kept:
            np.testing.assert_allclose(trimmed * 2**15, kept[name], atol=2.5)


def test_a_tone_between_zeros_stays_from_its_first_sample_to_its_last() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32000) / 32000)
    trimmed = trim_silence(np.concatenate([np.zeros(16000), tone, np.zeros(16000)]), 32000, **SETTINGS)
    assert len(trimmed) == 31999  # the first sample of a sine is 0
    np.testing.assert_allclose(trimmed, tone[1:] * 10**-0.005 / 0.5, rtol=1e-6)


@pytest.mark.parametrize("signal", [np.zeros(32000), np.zeros(1), np.array([0.0, 0.5, 0.0])])
def test_nothing_stays_of_what_is_never_loud_for_long_enough(signal: np.ndarray) -> None:
    assert len(trim_silence(signal, 32000, **SETTINGS)) == 0


def test_what_begins_late_is_found() -> None:
    signal = np.zeros(500_000)
    signal[400_000:450_000] = np.random.default_rng(0).uniform(-0.5, 0.5, 50_000)
    trimmed = trim_silence(signal, 32000, **SETTINGS)
    np.testing.assert_allclose(trimmed, at_peak(signal, 10**-0.005)[400_000:450_000])


def test_a_longer_duration_skips_a_click() -> None:
    signal = np.zeros(64000)
    signal[8000:9000] = signal[32000:48000] = 0.5
    assert len(trim_silence(signal, 32000, **SETTINGS)) == 40000
    assert len(trim_silence(signal, 32000, **{**SETTINGS, "min_seconds": 0.1})) == 16000
