# SPDX-License-Identifier: GPL-3.0-or-later
"""Submissions of two competitions, and what they are worth when they are read back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audeep.data.data_set import DataSet
from audeep.errors import DataError, OptionError
from audeep.evaluation.scoring import score
from audeep.evaluation.submissions import export_submission, read_truth, score_submission
from tests.support.predictions import several, single


@pytest.fixture(scope="module")
def ensemble(golden: Path) -> DataSet:
    """The fused predictions of the original script, with its labels."""
    models = np.load(golden / "tagging" / "a_fusion.npz")
    lines = (golden / "tagging" / "a_table.txt").read_text().splitlines()
    names = [line.split("|")[0].strip() for line in lines if line.count("|") == 6][1:42]
    files = [f"{row:08d}.wav" for row in range(60)]
    return single(models["saved"], [names[label] for label in models["y_true"]], names, files)


def test_a_submission_of_2018_is_that_of_the_original(ensemble: DataSet, golden: Path, tmp_path: Path) -> None:
    assert export_submission(ensemble[::-1], tmp_path / "sub.csv", "fsdkaggle-2018") == 60
    expected = (golden / "tagging" / "a_submission_head.csv").read_text()
    assert (tmp_path / "sub.csv").read_text().startswith(expected)
    assert pd.read_csv(tmp_path / "sub.csv").shape == (60, 2)


def test_labels_go_from_the_best_to_the_worst(tmp_path: Path) -> None:
    predictions = single([[0.1, 0.4, 0.2, 0.3]], [None], list("abcd"), ["x/y/1.wav"])
    export_submission(predictions, tmp_path / "sub.csv", "fsdkaggle-2018")
    assert (tmp_path / "sub.csv").read_text() == "fname,label\n1.wav,b d c\n"
    export_submission(predictions, tmp_path / "sub.csv", "fsdkaggle-2018", k=1)
    assert (tmp_path / "sub.csv").read_text() == "fname,label\n1.wav,b\n"


def test_a_submission_of_2019_has_the_scores_of_all_labels_to_the_last_bit(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    names = [f"label_{number:02d}" for number in range(79)] + ["Zipper, or 'fly'"]
    scores = generator.random((7, 80)).astype(np.float32)
    predictions = several(scores, scores < 0.1, names)
    predictions.filenames[:] = [f"test/{name}.wav" for name in "gfedcba"]
    assert export_submission(predictions, tmp_path / "sub.csv", "fsdkaggle-2019") == 7
    table = pd.read_csv(tmp_path / "sub.csv", dtype=dict.fromkeys(names, np.float32))
    assert list(table.columns) == ["fname", *names] and table.shape == (7, 81)
    assert table["fname"].tolist() == [f"{name}.wav" for name in "abcdefg"]
    np.testing.assert_array_equal(table[names].to_numpy(), scores[::-1])


def test_the_chunks_of_a_file_are_averaged(tmp_path: Path) -> None:
    windows = single([[0.9, 0.2], [0.1, 0.6], [0.2, 0.3]], [None] * 3, ["a", "b"], ["1.wav"] * 3)
    export_submission(windows, tmp_path / "sub.csv", "fsdkaggle-2019")
    table = pd.read_csv(tmp_path / "sub.csv")
    np.testing.assert_allclose(table[["a", "b"]], [[0.4, 0.366667]], atol=1e-6)


def test_other_files_than_expected_are_refused_and_nothing_is_written(ensemble: DataSet, tmp_path: Path) -> None:
    sample, target = tmp_path / "sample_submission.csv", tmp_path / "sub.csv"
    files = [f"{row:08d}.wav" for row in range(60)]
    sample.write_text("fname,label\n" + "".join(f"{name},Laughter Hi-Hat Flute\n" for name in files[::-1]))
    assert export_submission(ensemble, target, "fsdkaggle-2018", sample) == 60
    target.unlink()
    with pytest.raises(DataError, match="sample_submission.csv: 2 of its 60 files have no scores, the first is 0+58"):
        export_submission(ensemble[:58], target, "fsdkaggle-2018", sample)
    sample.write_text("fname,label\n" + "".join(f"{name},x\n" for name in files[1:]))
    with pytest.raises(DataError, match="lacks 1 of the 60 files that have scores, the first is 00000000.wav; choose"):
        export_submission(ensemble, target, "fsdkaggle-2018", sample)
    assert not target.exists()


def test_what_no_submission_can_have_is_refused(ensemble: DataSet, tmp_path: Path) -> None:
    target = tmp_path / "sub.csv"
    twice = single(np.eye(2), [None] * 2, ["a", "b"], ["x/1.wav", "y/1.wav"])
    with pytest.raises(DataError, match="x/1.wav and y/1.wav have one name in a submission"):
        export_submission(twice, target, "fsdkaggle-2018")
    with pytest.raises(DataError, match="the label 'a b' has a blank, which separates labels in fsdkaggle-2018"):
        export_submission(single(np.eye(2), [None] * 2, ["a b", "c"]), target, "fsdkaggle-2018")
    with pytest.raises(DataError, match=r"has scores that are not finite"):
        export_submission(single([[np.nan, 1]], [None], ["a", "b"]), target, "fsdkaggle-2019")
    with pytest.raises(DataError, match="no instance to write a submission of"):
        export_submission(ensemble[:0], target, "fsdkaggle-2019")
    with pytest.raises(OptionError, match="file_format=xlsx: expected one of fsdkaggle-2018, fsdkaggle-2019"):
        export_submission(ensemble, target, "xlsx")
    with pytest.raises(OptionError, match="k=0: expected"):
        export_submission(ensemble, target, "fsdkaggle-2018", k=0)
    assert not target.exists()


def test_a_submission_of_2018_is_scored_as_the_predictions_are(ensemble: DataSet, tmp_path: Path) -> None:
    export_submission(ensemble, tmp_path / "sub.csv", "fsdkaggle-2018")
    expected = score(ensemble).overall
    assert score_submission(tmp_path / "sub.csv", ensemble).overall == {
        name: expected[name]
        for name in ("accuracy", "UAR", "MAP@3")  # the others need scores of all labels
    }


def test_a_submission_of_2019_is_scored_as_the_predictions_are(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    predictions = several(generator.random((20, 5)), generator.random((20, 5)) < 0.3, list("abcde"))
    export_submission(predictions, tmp_path / "sub.csv", "fsdkaggle-2019")
    assert score_submission(tmp_path / "sub.csv", predictions).overall == score(predictions).overall
    (tmp_path / "best.csv").write_text("fname,label\n" + "".join(f"{name},a\n" for name in predictions.filenames))
    with pytest.raises(DataError, match="best.csv: has the best labels alone, for recordings with several"):
        score_submission(tmp_path / "best.csv", predictions)


def test_a_perfect_submission_against_the_truth_of_a_competition(ensemble: DataSet, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    rows = zip(ensemble.filenames, ensemble.labels_nominal, strict=True)
    lines = [f"{file},{label},{'Public' if number < 20 else 'Private'}\n" for number, (file, label) in enumerate(rows)]
    truth.write_text("fname,label,usage\n" + "".join(lines[::-1]))
    read = read_truth(truth)
    perfect = (read.labels_numeric[:, np.newaxis] == np.arange(len(read.labels))).astype(float)
    export_submission(
        single(perfect, read.labels_nominal, tuple(read.labels), read.filenames), tmp_path / "s.csv", "fsdkaggle-2018"
    )
    with open(tmp_path / "s.csv", "a", encoding="utf-8") as file:
        file.write("ignored.wav,Bark\n")
    found = score_submission(tmp_path / "s.csv", read, by="usage")
    assert found.overall["MAP@3"] == 1 and {name: len(rows) for name, rows in found.groups.items()} == {
        "Private": 40,
        "Public": 20,
    }
    confusion = found.evaluation.confusion
    np.testing.assert_array_equal(confusion, np.diag(np.diag(confusion)))
    assert confusion.sum() == 60


def test_truth_may_have_several_labels_joined_by_commas(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text('fname,labels,usage\n1.wav,"Gasp, Sigh",Public\n2.wav,Sigh,Private\n')
    truth = read_truth(path)
    assert truth.label_names == ("Gasp", "Sigh") and truth.label_sets.tolist() == [[True, True], [False, True]]
    assert truth.usage.tolist() == ["Public", "Private"]
    sub = tmp_path / "sub.csv"
    sub.write_text("fname,Sigh,Bark,Gasp\n2.wav,0.9,0.1,0.2\n1.wav,0.6,0.1,0.5\n")
    found = score_submission(sub, truth)
    assert found.names == ("Sigh", "Bark", "Gasp") and found.overall["lwlrap"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no column 'fname'"),
        ("file,label\n1.wav,Bark\n", "has no column 'fname'"),
        ("fname,label\n", "has no rows"),
        ("fname,label\n1.wav,Bark\n1.wav,Bark\n", "the file '1.wav' is there twice"),
        ("fname,label,label\n1.wav,Bark,Bark\n", "the column 'label' is there twice"),
        ("fname,label\n1.wav,Bark,Cello\n", "line 2 has 3 cells, the header has 2"),
        ("fname,label\n1.wav,Bark Gong\n", "1.wav has the label 'Gong', which is not among"),
        ("fname,label\n2.wav,Bark\n", "has no row for 1 of the 1 recordings to score, the first is 1.wav"),
        ("fname,Bark,Cello\n1.wav,0.1,high\n", "the row of 1.wav has cells that are not numbers"),
        ('fname,label\n1.wav,"Bark', "is not a CSV file in UTF-8"),
        ("fname,label\n1.wav,B\udcffrk", "is not a CSV file in UTF-8"),
    ],
)
def test_what_is_not_a_submission_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sub.csv"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    truth = single([[1, 0]], ["Bark"], ["Bark", "Cello"], ["1.wav"])
    with pytest.raises(DataError, match=message) as error:
        score_submission(path, truth)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_files_that_are_not_there_or_lack_a_label_column_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.csv: no such file, a CSV file was expected"):
        read_truth(tmp_path / "none.csv")
    (tmp_path / "truth.csv").write_text("fname,licence\n1.wav,CC0\n")
    with pytest.raises(DataError, match="truth.csv: has the columns fname, licence; expected 'label' or 'labels'"):
        read_truth(tmp_path / "truth.csv")
