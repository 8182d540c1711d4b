# SPDX-License-Identifier: GPL-3.0-or-later
"""Several labels a recording, verified labels and groups, from recordings to folds; and where one label is needed."""

from pathlib import Path

import numpy as np
import pytest

from audeep import load
from tests.cli.conftest import SPECTRA
from tests.conftest import write_tone

LABELS = ("low", "high", "odd")
SETS = [("low",), ("low", "odd"), ("high",), ("high", "odd")] * 3


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve tones with one or two of three labels, by six speakers, and the table of them."""
    folder = tmp_path_factory.mktemp("tagged")
    lines = ["file;tags;checked;speaker"]
    for number, labels in enumerate(SETS):
        write_tone(folder / "in" / f"{number:02}.wav", (2000 if "high" in labels else 300) + 20 * number)
        lines.append(f"{number:02}.wav;{'|'.join(labels)};{number % 2};s{number // 2}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"


@pytest.fixture
def tagged(audeep, table: Path, tmp_path: Path) -> Path:
    """Their spectrograms."""
    columns = "--separator '|' --verified-column checked --group-column speaker"
    source = f"--basedir {table.parent / 'in'} --parser table --labels {table} {columns}"
    result = audeep(f"preprocess {source} {SPECTRA} --jobs 1 --output {tmp_path / 'tagged.nc'}")
    assert result.status == 0, result.err
    return tmp_path / "tagged.nc"


def test_a_table_gives_spectrograms_with_several_labels_flags_and_groups(audeep, tagged):
    data_set = load(tagged)
    assert data_set.label_names == ("high", "low", "odd") and data_set.labels == {"high": 0, "low": 1, "odd": 2}
    assert [set(item.labels) for item in data_set] == [set(labels) for labels in SETS]
    assert data_set.verified.tolist() == [0, 1] * 6
    assert [item.group for item in data_set[:4]] == ["s0", "s0", "s1", "s1"]
    assert audeep(f"validate --input {tagged}").status == 0
    result = audeep(f"inspect netcdf --input {tagged} --instance 1")
    lines = [" ".join(line.replace("|", " ").split()) for line in result.out.splitlines()]
    for line in ("several labels 3, 1.50 for each instance", "verified 6 of 12", "groups 6", "label low, odd"):
        assert line in lines or line.replace("low, odd", "odd, low") in lines, (line, lines)


def test_inspect_raw_counts_labels_and_flags(audeep, table):
    columns = "--separator '|' --verified-column checked --group-column speaker"
    result = audeep(f"inspect raw --basedir {table.parent / 'in'} --parser table --labels {table} {columns}")
    lines = [" ".join(line.replace("|", " ").split()) for line in result.out.splitlines()]
    assert {"labels of a recording 1 to 2", "verified 6 of 12", "groups 6", "number of labels 3"} <= set(lines)


def test_folds_keep_groups_together_and_show_how_labels_spread(audeep, tagged, tmp_path):
    output = tmp_path / "folds.nc"
    assert audeep(f"modify --input {tagged} --output {output} --add-cv-setup 3 --seed 1").status == 0
    data_set = load(output)
    folds = np.argmax(data_set.cv_folds, axis=1)
    assert all(len(set(folds[data_set.groups == group])) == 1 for group in set(data_set.groups))
    assert np.bincount(folds).tolist() == [4, 4, 4]
    result = audeep(f"inspect netcdf --input {output} --detailed-folds")
    assert result.status == 0 and result.out.count("odd") == 3
    assert audeep(f"validate --input {output}").status == 0


def test_groups_come_from_a_table_as_well(audeep, spectrograms, tmp_path):
    names = load(spectrograms).filenames
    lines = ["filename,singer", *(f"{name},{name[-5]}" for name in names)]  # the last figure of the name
    (tmp_path / "singers.csv").write_text("\n".join(lines) + "\n")
    command = f"modify --input {spectrograms} --output {tmp_path}/out.nc --groups {tmp_path}/singers.csv"
    assert audeep(f"{command} --group-column singer --add-cv-setup 2").status == 0
    data_set = load(tmp_path / "out.nc")
    folds = np.argmax(data_set.cv_folds, axis=1)
    assert set(data_set.groups) == set("0123") and np.bincount(folds).tolist() == [12, 12]
    assert all(len(set(folds[data_set.groups == group])) == 1 for group in "0123")
    assert audeep(f"{command} --group-column singer").status == 0
    np.testing.assert_array_equal(load(tmp_path / "out.nc").cv_folds, load(spectrograms).cv_folds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename,group\n", "groups.csv: has no line for 24 recordings, such as "),
        (
            "filename,singer\nx,1\n",
            "has the columns filename, singer; it needs group (another is named by --gro",
        ),
        ("x,group\n1,2\n", "has the columns x, group; it needs file, and group"),
        ("file,group\na,1\na,2\n", "line 3 has a in another group than before; leave one"),
        ("file,group\na,1,2\n", "line 2 has 3 cells, the first line has 2; fix it"),
        ("", "has the columns none; it needs file, and group"),
    ],
)
def test_a_table_of_groups_that_is_no_good_is_refused_in_one_line(audeep, spectrograms, tmp_path, text, message):
    (tmp_path / "groups.csv").write_text(text)
    result = audeep(f"modify --input {spectrograms} --output {tmp_path}/out.nc --groups {tmp_path}/groups.csv")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["groups.csv"]


def test_the_column_of_groups_needs_their_table(audeep, spectrograms, tmp_path):
    result = audeep(f"modify --input {spectrograms} --output {tmp_path}/out.nc --group-column x --add-cv-setup 2")
    assert result.status == 1 and "--group-column is a column of --groups; give that too" in result.err


@pytest.mark.parametrize(
    "command",
    [
        "svm evaluate --input {features} --cross-validate --complexity 1",
        "mlp evaluate --input {features} --cross-validate --majority-vote --num-epochs 1",
        "svm predict --train-input {features} --eval-input {features} --output {out} --complexity 1",
        "upsample --input {features} --output {out}.nc",
        "visualize tsne --input {features} --plot {out}.png",
        "visualize pca --input {features} --plot {out}.png",
    ],
)
def test_commands_that_need_one_label_say_so_in_one_line_and_write_nothing(audeep, tagged, tmp_path, command):
    data_set = load(tagged)
    features = tmp_path / "features.nc"
    vectors = data_set.features.reshape(len(data_set), -1)[:, :5]
    data_set.with_features(vectors, ["generated"]).save(features)
    assert audeep(f"modify --input {features} --output {tmp_path / 'folds.nc'} --add-cv-setup 2").status == 0
    before = sorted(path.name for path in tmp_path.iterdir())
    result = audeep("-q " + command.format(features=tmp_path / "folds.nc", out=tmp_path / "out"))
    assert result.status == 1 and result.err.count("\n") == 1, result.err
    assert "recordings have several labels each (high, low, odd, ...), one label to " in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.slow
def test_features_of_an_autoencoder_keep_labels_and_tables_bring_them_back(audeep, tagged, tmp_path):
    run, features, again = tmp_path / "run", tmp_path / "features.nc", tmp_path / "again.nc"
    assert audeep(f"-q t-rae train --input {tagged} --run-name {run} --num-epochs 1 --num-units 4").status == 0
    assert audeep(f"-q t-rae generate --model-dir {run / 'logs'} --input {tagged} --output {features}").status == 0
    assert [set(item.labels) for item in load(features)] == [set(labels) for labels in SETS]
    assert audeep(f"export --input {features} --format csv --output {tmp_path / 'tables'}").status == 0
    assert audeep(f"import --basedir {tmp_path / 'tables'} --name features --output {again}").status == 0
    before, after = load(features), load(again)
    assert after.label_names == before.label_names and after.groups.tolist() == before.groups.tolist()
    np.testing.assert_array_equal(after.label_sets, before.label_sets)
    np.testing.assert_array_equal(after.verified, before.verified)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--separator '||'", "--separator '||': expected one character, such as , or ;"),
        ("--label-column a --labels-column b", "there are columns for one label and for several; name one of them"),
        ("--verified-column speaker", "line 2, column 'speaker' is 's0'; expected 1 or 0, true or false"),
        ("--labels-column label", "has no column label for the labels, but file, tags, checked, speaker"),
    ],
)
def test_tables_that_are_described_wrongly_are_refused_in_one_line(audeep, table, tmp_path, options, message):
    source = f"--basedir {table.parent / 'in'} --parser table --labels {table}"
    result = audeep(f"-q preprocess {source} {options} {SPECTRA} --output {tmp_path / 'out.nc'}")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1, result.err


def test_a_separator_is_for_tables(audeep, table, tmp_path):
    result = audeep(
        f"preprocess --basedir {table.parent / 'in'} --parser no-metadata --separator , --output {tmp_path}/o.nc"
    )
    assert result.status == 1 and "are for --parser table" in result.err


@pytest.mark.slow
def test_the_layout_of_dcase_2019_gives_several_labels_and_partitions(audeep, tmp_path):
    for number, folder in enumerate(["train_curated", "train_curated", "train_noisy", "test"]):
        write_tone(tmp_path / "fsd" / folder / f"{number}.wav", 300 + 200 * number)
    (tmp_path / "fsd" / "train_curated.csv").write_text('fname,labels\n0.wav,"Gasp, Sigh"\n1.wav,Bark\n')
    (tmp_path / "fsd" / "train_noisy.csv").write_text("fname,labels\n2.wav,Sigh\n")
    (tmp_path / "fsd" / "sample_submission.csv").write_text("fname,Bark,Gasp,Sigh,Yell\n3.wav,0,0,0,0\n")
    output = tmp_path / "fsd.nc"
    result = audeep(f"preprocess --basedir {tmp_path / 'fsd'} {SPECTRA} --jobs 1 --output {output}")
    assert result.status == 0, result.err
    data_set = load(output)
    assert data_set.label_names == ("Bark", "Gasp", "Sigh", "Yell")
    assert [item.labels for item in data_set] == [("Gasp", "Sigh"), ("Bark",), ("Sigh",), None]
    assert [item.verified for item in data_set] == [True, True, False, None]
    assert [item.partition.name for item in data_set] == ["TRAIN", "TRAIN", "TRAIN", "TEST"]
    result = audeep(f"preprocess --basedir {tmp_path / 'fsd'} {SPECTRA} --pretend 0 --plot {tmp_path / 'plot.png'}")
    assert result.status == 0 and "Gasp, Sigh" in result.out


@pytest.mark.parametrize(
    ("label_set", "message"),
    [
        ('label_set=("dog",)', "has the label 'dog', which is not in the label map; add it there"),
        ('label_nominal="cat"', "has one label, others several; give all recordings a set of labels"),
    ],
)
def test_a_parser_that_contradicts_itself_is_refused_in_one_line(audeep, table, tmp_path, label_set, message):
    (tmp_path / "own.py").write_text(f"""
from audeep.parsers.base import InstanceMetadata, Parser

class Own(Parser):
    label_map = {{"cat": 0}}

    def missing(self):
        return None

    def instances(self):
        for number, path in enumerate(sorted(self.basedir.glob("*.wav"))):
            facts = dict({label_set}) if number else dict(label_set=("cat",))
            yield InstanceMetadata(path, path.name, **facts)
""")
    command = f"preprocess --basedir {table.parent / 'in'} --parser {tmp_path}/own.py:Own {SPECTRA}"
    result = audeep(f"{command} --output {tmp_path}/out.nc")
    assert result.status == 1 and message in result.err and result.err.count("\n") == 1, result.err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["own.py"]
