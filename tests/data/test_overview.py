# SPDX-License-Identifier: GPL-3.0-or-later
"""What recordings there are: counts of classes, and lengths."""

import numpy as np
import pytest
import soundfile

from audeep.data.data_set import empty
from audeep.data.overview import (
    QUANTILES,
    Overview,
    Peak,
    class_counts,
    frequent_lengths,
    length_quantiles,
    overview_of,
)
from audeep.errors import AudioError, DataError
from audeep.parsers.registry import open_parser
from audeep.pipeline.overview import overview_of_recordings

NAMES = ("a", "b", "c")


def overview(labels, **columns):
    truth = np.array([[name in each for name in NAMES] for each in labels])
    unknown = np.full(len(labels), np.nan)
    return Overview(NAMES, truth, **{"verified": unknown, "partition": unknown, **columns})


def test_counts_of_classes_add_up_to_the_recordings_in_ascending_order():
    random = np.random.default_rng(0)
    labels, verified = random.choice(list("aaabbc"), 200), random.choice([0.0, 1.0, np.nan], 200)
    counts = class_counts(overview(labels, verified=verified))
    assert counts.names == ("c", "b", "a") and list(counts.totals) == sorted(counts.totals)
    for name, (right, open_, unknown) in zip(counts.names, zip(*counts.parts.values(), strict=True), strict=True):
        of_class = verified[labels == name]
        assert (right, open_, unknown) == ((of_class == 1).sum(), (of_class == 0).sum(), np.isnan(of_class).sum())
    assert list(counts.parts) == ["verified", "not verified", "not known"] and counts.totals.sum() == 200


def test_classes_of_equally_many_recordings_are_in_the_order_of_their_names_and_recordings_may_have_several():
    counts = class_counts(overview(["ab", "abc", ""]))
    assert counts.names == ("c", "a", "b") and list(counts.totals) == [1, 2, 2] and list(counts.parts) == ["not known"]
    with pytest.raises(DataError, match="no recording has a label"):
        class_counts(overview(["", ""]))


def test_the_most_frequent_exact_lengths_are_listed_with_the_counts_of_partitions():
    lengths, rates = np.array([44100, 22050, 44100, 300, 22050, 300, 300]), np.array([44100] * 4 + [22050, 44100, 8000])
    found = overview("aaaaaaa", lengths=lengths, rates=rates, partition=np.array([0, 0, 2, 2, 0, 2, 0.0]))
    assert found.durations[[0, 1, 4]].tolist() == [1.0, 0.5, 1.0]
    assert frequent_lengths(found) == [  # 22050 samples at two rates are two lengths
        Peak(300, 44100, {"TRAIN": 0, "TEST": 2}),
        Peak(44100, 44100, {"TRAIN": 1, "TEST": 1}),
    ]
    assert len(frequent_lengths(found, 1)) == 1


def test_lengths_of_classes_are_in_the_order_of_their_medians():
    found = length_quantiles(overview("aabb", lengths=np.array([5, 7, 1, 2])))
    assert list(found) == ["b", "a"]
    np.testing.assert_array_equal(found["a"], np.quantile([5, 7], QUANTILES))


def test_the_instances_of_a_data_set_have_lengths_in_frames_where_there_is_time():
    data_set = empty(3, [("time", 9), ("freq", 2)], label_map={"a": 0, "b": 1})
    data_set.labels_nominal[:2], data_set.labels_numeric[:2] = ["b", "a"], [1, 0]
    data_set.data["num_frames"].values[:] = [4, 9, 9]
    found = overview_of(data_set)
    assert found.truth.tolist() == [[False, True], [True, False], [False, False]] and found.rates is None
    assert found.lengths.tolist() == [4, 9, 9]
    assert overview_of(empty(3, [("generated", 2)])).lengths is None


def test_headers_of_recordings_give_samples_and_seconds(recordings, tmp_path):
    found = overview_of_recordings(open_parser(recordings, "meta"))
    assert found.names == ("high", "low") and found.truth.sum(axis=0).tolist() == [12, 12]
    assert set(found.lengths) == {4000} and set(found.durations) == {0.5}
    for name, size in (("a", 44100), ("b", 22050)):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(size), 44100)
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    parser = open_parser(tmp_path, "no-metadata")
    assert overview_of_recordings(parser, skip_bad=True).durations.tolist() == [1.0, 0.5]
    with pytest.raises(AudioError, match="bad.wav"):
        overview_of_recordings(parser)
