# SPDX-License-Identifier: GPL-3.0-or-later
"""Make recordings that differ in how sound evolves over time, and in nothing else.

    python synthesise.py BASEDIR [--per-class-and-fold N] [--seed SEED]

Writes BASEDIR/fold_<1..5>/<class>/<number>.wav. Classes come in pairs, one of which is drawn like the other and then
reversed in time, so that both have the same mean spectrum: a feature that ignores order can at best tell the pairs
apart, which is half of the way.
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 16000
SECONDS = 1.5
NUM_FOLDS = 5


def chirp(generator: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """A tone that rises by one to two and a half octaves, with two overtones."""
    lowest, octaves = generator.uniform(200, 900), generator.uniform(1, 2.5)
    frequency = lowest * 2 ** (octaves * times / times[-1])
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE
    return sum(np.sin(overtone * phase) / overtone for overtone in (1, 2, 3))


def pulses(generator: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Ringing clicks that follow each other faster and faster."""
    count, bend = int(generator.integers(8, 14)), generator.uniform(1.8, 2.6)
    onsets = times[-1] * (1 - (1 - np.arange(count) / count) ** bend)
    ring, decay = generator.uniform(800, 4000), generator.uniform(0.01, 0.02)
    since = times[:, None] - onsets  # [time, pulse]
    # symmetric in time, so that a reversed pulse is still the same pulse
    return (np.exp(-np.abs(since) / decay) * np.cos(2 * np.pi * ring * since)).sum(axis=1)


def noise(generator: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Noise that swells."""
    return generator.standard_normal(len(times)) * 10 ** (generator.uniform(1, 2) * (times / times[-1] - 1))


def change(generator: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """A tone that gives way to a hiss."""
    turn = times[-1] * generator.uniform(0.4, 0.6)
    share = 1 / (1 + np.exp((times - turn) / 0.01))
    tone = np.sin(2 * np.pi * generator.uniform(300, 1500) * times)
    return share * tone + (1 - share) * generator.standard_normal(len(times)) * 0.5


PAIRS = {
    ("chirp_rising", "chirp_falling"): chirp,
    ("pulses_accelerating", "pulses_slowing"): pulses,
    ("noise_swelling", "noise_fading"): noise,
    ("tone_then_hiss", "hiss_then_tone"): change,
}


def recording(sound, is_reversed: bool, generator: np.random.Generator) -> np.ndarray:
    """One recording [time]: the sound at a random loudness in faint noise."""
    times = np.arange(int(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    samples = sound(generator, times)
    samples = samples[::-1] if is_reversed else samples
    samples = samples / np.abs(samples).max() + 0.003 * generator.standard_normal(len(times))
    return samples / np.abs(samples).max() * generator.uniform(0.3, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make recordings that differ in how sound evolves over time.")
    parser.add_argument("basedir", type=Path)
    parser.add_argument("--per-class-and-fold", type=int, default=6, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    generator = np.random.default_rng(arguments.seed)
    for fold in range(1, NUM_FOLDS + 1):
        for names, sound in PAIRS.items():
            for is_reversed, name in enumerate(names):
                directory = arguments.basedir / f"fold_{fold}" / name
                directory.mkdir(parents=True, exist_ok=True)
                for number in range(arguments.per_class_and_fold):
                    samples = recording(sound, bool(is_reversed), generator)
                    soundfile.write(directory / f"{number}.wav", samples, SAMPLE_RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()
