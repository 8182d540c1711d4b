# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrange ESC-10 like FSDKaggle2018 or FSDKaggle2019, to try what is made for these where they are not at hand.

    python arrange_tagging_data.py ESC-10 BASEDIR --layout fsdkaggle-2018 [--seed SEED] [--most N]

ESC-10 is the folder of '001 - Dog bark' and so on. Its fifth fold becomes the test set.

fsdkaggle-2018: each clip has its label; four tenths of the labels for training are verified, and of the others four
tenths are wrong. fsdkaggle-2019: recordings are mixtures of two clips of different classes, whose labels both apply;
those of folds 1 and 2 are curated, and of those of folds 3 and 4, whose labels are noisy, four tenths have a wrong one.

BASEDIR/true_labels.csv has what is true of the recordings for training, and BASEDIR/groups.csv which of them share
sound, or a Freesound recording that it is from, for 'audeep modify --groups'. The same seed gives the same files.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

NUM_FOLDS = 5
TEST_FOLD, CURATED_FOLDS = 5, (1, 2)
SHARE_VERIFIED, SHARE_WRONG, SHARE_PUBLIC = 0.4, 0.4, 0.19
GROUPS_OF_A_FOLD = 5  # into which clips are put that are mixed with each other
MIXTURES_OF_A_CLIP = 2
LOUDEST = 0.9

_CLASS, _CLIP = re.compile(r"\d{3} - (.+)"), re.compile(r"([1-5])-(.+)-[A-Z]")


@dataclass(frozen=True)
class Clip:
    """A recording of ESC-10; `source` is the recording of Freesound that it was cut from."""

    path: Path
    label: str
    fold: int
    source: str


@dataclass
class Recording:
    """What is to be written: `clips` mixed, and what the tables say of them."""

    name: str
    clips: Sequence[Clip]
    group: str
    labels: list[str]
    verified: bool = False

    @property
    def true_labels(self) -> list[str]:
        return sorted({clip.label for clip in self.clips})

    @property
    def fold(self) -> int:
        return self.clips[0].fold


def clips_in(folder: Path, most: int | None) -> list[Clip]:
    """The clips of ESC-10, of each class in each fold at `most` so many, sorted by class and name."""
    found = defaultdict(list)
    for directory in sorted(folder.iterdir()):
        for path in sorted(directory.glob("*.ogg")) if (name := _CLASS.fullmatch(directory.name)) else ():
            if not (parts := _CLIP.fullmatch(path.stem)):
                raise SystemExit(f"{path}: a name like 1-100032-A.ogg was expected; restore it")
            fold, label = int(parts[1]), name[1].replace(" ", "_")
            found[label, fold].append(Clip(path, label, fold, f"{parts[1]}-{parts[2]}"))
    if not found:
        raise SystemExit(f"{folder}: folders like '001 - Dog bark' were expected; name the folder of ESC-10")
    return [clip for clips in found.values() for clip in clips[:most]]


def single_labels(clips: Sequence[Clip], random: np.random.Generator) -> list[Recording]:
    """A recording of each clip, some verified, and some of the others for training with a wrong label."""
    recordings = [Recording(f"{clip.path.stem}.wav", [clip], clip.source, [clip.label]) for clip in clips]
    of_class = defaultdict(list)
    for recording in recordings:
        if recording.fold != TEST_FOLD:
            of_class[recording.labels[0]].append(recording)
    unverified = []
    for some in of_class.values():
        order = [some[position] for position in random.permutation(len(some))]
        count = round(SHARE_VERIFIED * len(order))
        for recording in order[:count]:
            recording.verified = True
        unverified += order[count:]
    _put_wrong_labels_in(unverified, random)
    return recordings


def mixtures(clips: Sequence[Clip], random: np.random.Generator) -> list[Recording]:
    """Mixtures of two clips of different classes within groups of sources, and some of the noisy ones mislabelled."""
    groups, sources = defaultdict(list), defaultdict(dict)
    for clip in clips:
        seen = sources[clip.label, clip.fold]
        number = seen.setdefault(clip.source, len(seen)) % GROUPS_OF_A_FOLD
        groups[f"{clip.fold}-{number}"].append(clip)
    recordings = {}
    for group, members in sorted(groups.items()):
        for first in members:
            others = [clip for clip in members if clip.label != first.label]
            for position in random.permutation(len(others))[:MIXTURES_OF_A_CLIP]:
                pair = sorted((first, others[position]), key=lambda clip: clip.path.stem)
                name = "_".join(clip.path.stem for clip in pair) + ".wav"
                recordings[name] = Recording(name, pair, group, sorted(clip.label for clip in pair))
    found = [recordings[name] for name in sorted(recordings)]
    for recording in found:
        recording.verified = recording.fold in CURATED_FOLDS
    _put_wrong_labels_in([each for each in found if not each.verified and each.fold != TEST_FOLD], random)
    return found


def _put_wrong_labels_in(recordings: Sequence[Recording], random: np.random.Generator) -> None:
    """Replace one label of each of some recordings by one that is not true."""
    names = sorted({label for recording in recordings for label in recording.true_labels})
    for position in random.permutation(len(recordings))[: round(SHARE_WRONG * len(recordings))]:
        recording = recordings[position]
        wrong = str(random.choice([name for name in names if name not in recording.true_labels]))
        recording.labels[int(random.integers(len(recording.labels)))] = wrong


def write_sound(recording: Recording, path: Path, random: np.random.Generator) -> None:
    """Write a recording as 16-bit WAV; clips that are mixed are about equally loud."""
    sounds, rates = zip(*(soundfile.read(clip.path) for clip in recording.clips), strict=True)
    if len(sounds) == 1:
        soundfile.write(path, sounds[0], rates[0], subtype="PCM_16")
        return
    mixed = np.zeros(max(map(len, sounds)))
    for sound in sounds:
        loudness = np.sqrt(np.mean(sound**2)) or 1
        mixed[: len(sound)] += sound / loudness * 10 ** (random.uniform(-3, 3) / 20)
    soundfile.write(path, LOUDEST * mixed / np.abs(mixed).max(), rates[0], subtype="PCM_16")


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    pd.DataFrame(list(rows), columns=list(header)).to_csv(path, index=False, lineterminator="\n")


def joined(labels: Iterable[str]) -> str:
    return ",".join(sorted(labels))


def write_2018(basedir: Path, train: Sequence[Recording], test: Sequence[Recording], usage: Sequence[str]) -> None:
    """The tables of FSDKaggle2018, and the map of the classes, which are others than its own."""
    rows = ((each.name, joined(each.labels), int(each.verified)) for each in train)
    write_table(basedir / "train.csv", ["fname", "label", "manually_verified"], rows)
    rows = ((each.name, joined(each.labels), used) for each, used in zip(test, usage, strict=True))
    write_table(basedir / "test_post_competition.csv", ["fname", "label", "usage"], rows)
    names = sorted({label for each in [*train, *test] for label in each.labels})
    write_table(
        basedir / "sample_submission.csv", ["fname", "label"], ((each.name, " ".join(names[:3])) for each in test)
    )
    (basedir / "class_map.csv").write_text("".join(f"{number},{name}\n" for number, name in enumerate(names)))


def write_2019(basedir: Path, train: Sequence[Recording], test: Sequence[Recording], usage: Sequence[str]) -> None:
    """The tables of FSDKaggle2019."""
    for part, is_curated in (("train_curated", True), ("train_noisy", False)):
        rows = ((each.name, joined(each.labels)) for each in train if each.verified == is_curated)
        write_table(basedir / f"{part}.csv", ["fname", "labels"], rows)
    rows = ((each.name, joined(each.labels), used) for each, used in zip(test, usage, strict=True))
    write_table(basedir / "test_post_competition.csv", ["fname", "labels", "usage"], rows)
    names = sorted({label for each in [*train, *test] for label in each.labels})
    rows = ((each.name, *[0] * len(names)) for each in test)
    write_table(basedir / "sample_submission.csv", ["fname", *names], rows)


LAYOUTS = {"fsdkaggle-2018": (single_labels, write_2018), "fsdkaggle-2019": (mixtures, write_2019)}


def folder_of(recording: Recording, layout: str) -> str:
    """Where a layout has a recording."""
    if layout == "fsdkaggle-2018":
        return "audio_test" if recording.fold == TEST_FOLD else "audio_train"
    return "test" if recording.fold == TEST_FOLD else "train_curated" if recording.verified else "train_noisy"


def main() -> None:
    parser = argparse.ArgumentParser(description="Arrange ESC-10 like FSDKaggle2018 or FSDKaggle2019.")
    parser.add_argument("esc10", type=Path, help="folder of ESC-10")
    parser.add_argument("basedir", type=Path, help="folder to make")
    parser.add_argument("--layout", choices=LAYOUTS, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, metavar="N", help="take N clips of each class in each fold (default: all)")
    arguments = parser.parse_args()
    basedir, layout = arguments.basedir, arguments.layout
    if basedir.exists():
        raise SystemExit(f"{basedir}: is there already; remove it, or name another folder")

    random = np.random.default_rng(arguments.seed)
    arrange, write_tables = LAYOUTS[layout]
    recordings = sorted(arrange(clips_in(arguments.esc10, arguments.most), random), key=lambda each: each.name)
    for recording in recordings:
        path = basedir / folder_of(recording, layout) / recording.name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sound(recording, path, random)
    train = [each for each in recordings if each.fold != TEST_FOLD]
    test = [each for each in recordings if each.fold == TEST_FOLD]
    usage = np.where(random.permutation(len(test)) < round(SHARE_PUBLIC * len(test)), "Public", "Private")
    write_tables(basedir, train, test, usage.tolist())
    write_table(
        basedir / "true_labels.csv", ["fname", "label"], ((each.name, joined(each.true_labels)) for each in train)
    )
    write_table(basedir / "groups.csv", ["file", "group"], ((each.name, each.group) for each in train))


if __name__ == "__main__":
    main()
