# SPDX-License-Identifier: GPL-3.0-or-later
"""compare, and intervals of evaluate: from command line to output."""

import json
import re
from pathlib import Path

import pytest

from audeep import load
from audeep.evaluation.baselines import band_statistics


@pytest.fixture(scope="module")
def features(spectrograms: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Band statistics of the tones, and a single band of them."""
    folder, source = tmp_path_factory.mktemp("features"), load(spectrograms)
    statistics = band_statistics(source, source)
    statistics.save(folder / "all.nc")
    statistics.with_features(statistics.features[:, :1] * 0 + 1, ["generated"]).save(folder / "none.nc")
    return folder / "all.nc", folder / "none.nc"


@pytest.mark.slow
def test_features_are_compared(audeep, features, tmp_path):
    first, second = features
    command = f"compare {first} {second} --complexity 0.1 --bootstrap 100"
    result = audeep(f"{command} --json {tmp_path}/c.json")
    assert result.status == 0 and "by resampling 24 recordings" in result.out
    both = re.findall(r"\| \S+(?:all|none)\.nc +\| +([-+\d.]+)% \| +(\S+)% to +(\S+)% \|", result.out)
    assert [row[0] for row in both] == ["100.00", "50.00", "-50.00"]
    assert f"| above {first}" in result.out and all(float(row[1]) <= float(row[0]) <= float(row[2]) for row in both)
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["command"] == "compare" and content["resampled"] == "24 recordings"
    better, worse = content["features"]
    assert better["scores"]["accuracy"] == {"score": 1.0, "interval": [1.0, 1.0]}
    assert worse["above_the_first"]["UAR"]["difference"] == -0.5 and worse["input"] == str(second)
    assert len(worse["evaluation"]["folds"]) == 3
    assert audeep(f"-q {command}").out == "1.0000,1.0000\n0.5000,0.5000\n"
    assert audeep(command).out == audeep(command).out


def test_one_file_has_an_interval_alone(audeep, features):
    result = audeep(f"compare {features[1]} --complexity 0.1 --bootstrap 50")
    assert result.status == 0 and "95 % interval" in result.out and "above" not in result.out


def test_partitions_are_named_together(audeep, features):
    result = audeep(f"compare {features[0]} --complexity 0.1 --train-partitions TRAIN")
    assert result.status == 1 and "--train-partitions and --eval-partitions go together" in result.err


def test_evaluate_reports_intervals_where_asked(audeep, features, tmp_path):
    command = f"svm evaluate --input {features[1]} --cross-validate --complexity 0.1"
    plain, more = audeep(command), audeep(f"{command} --bootstrap 100 --json {tmp_path}/e.json")
    added = re.search(r"95 % intervals, by resampling 24 recordings: accuracy (\S+)% to (\S+)%, UAR .*\n\n", more.out)
    assert added and float(added[1]) <= 50 <= float(added[2])
    assert more.out.replace(added[0], "") == plain.out and "95 %" not in plain.out
    content = json.loads((tmp_path / "e.json").read_text())["bootstrap"]
    assert content["resampled"] == "24 recordings" and content["scores"]["accuracy"]["score"] == 0.5
