# SPDX-License-Identifier: GPL-3.0-or-later
"""Let a speech synthesiser say words in several voices, to learn whether features hold for a voice not heard before.

    python spoken_words.py BASEDIR [--per-word-and-voice N] [--seed SEED]

Writes BASEDIR/fold_<1..8>/<word>/<number>.wav, a fold for each voice, and BASEDIR/words.csv with the voice, pitch and
speed of each. Recordings are as long as the word takes. Pitch, speed, loudness and a faint noise are drawn from the
seed. The voices are those of espeak-ng (Debian: apt-get install espeak-ng); without it, nothing is made, which is said.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

SYNTHESISER = "espeak-ng"
WORDS = (
    *("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"),
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
)
VOICES = (  # an accent, and a way to speak, of women and men in turn
    *("en-us+m3", "en-gb+f2", "en-gb-scotland+m7", "en-029+f4"),
    *("en-gb-x-rp+m1", "en-us-nyc+f5", "en-gb-x-gbclan+klatt4", "en-gb-x-gbcwmd+f3"),
)
PITCHES = 25, 75  # of 0 to 99
SPEEDS = 110, 230  # words a minute


def spoken(word: str, voice: str, pitch: int, speed: int) -> tuple[np.ndarray, int]:
    """What the synthesiser says [time], and its sample rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "word.wav")
        command = [SYNTHESISER, "-z", "-v", voice, "-p", str(pitch), "-s", str(speed), "-w", str(path), word]
        subprocess.run(command, check=True)
        samples, sample_rate = soundfile.read(path)
    sounding = np.flatnonzero(samples)
    return samples[sounding[0] : sounding[-1] + 1], sample_rate


def recording(samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The word [time] at a random loudness in faint noise, a little of which comes before and after it."""
    before, after = generator.integers(200, 4000, 2)
    samples = np.pad(samples / np.abs(samples).max(), (before, after))
    samples = samples + 10 ** generator.uniform(-3, -2) * generator.standard_normal(len(samples))
    return samples / np.abs(samples).max() * generator.uniform(0.2, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description="Let a speech synthesiser say words in several voices.")
    parser.add_argument("basedir", type=Path)
    parser.add_argument("--per-word-and-voice", type=int, default=10, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if shutil.which(SYNTHESISER) is None:
        print(f"{SYNTHESISER} is not installed; no words are spoken", file=sys.stderr)
        return

    generator = np.random.default_rng(arguments.seed)
    rows = []
    for fold, voice in enumerate(VOICES, 1):
        for word in WORDS:
            directory = arguments.basedir / f"fold_{fold}" / word
            directory.mkdir(parents=True, exist_ok=True)
            for number in range(arguments.per_word_and_voice):
                pitch, speed = int(generator.integers(*PITCHES)), int(generator.integers(*SPEEDS))
                samples, sample_rate = spoken(word, voice, pitch, speed)
                path = directory / f"{number}.wav"
                soundfile.write(path, recording(samples, generator), sample_rate, subtype="PCM_16")
                rows.append((path.relative_to(arguments.basedir).as_posix(), word, fold, voice, pitch, speed))
    with open(arguments.basedir / "words.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("file", "label", "fold", "speaker", "pitch", "speed"), *rows])


if __name__ == "__main__":
    main()
