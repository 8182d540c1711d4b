# SPDX-License-Identifier: GPL-3.0-or-later
"""--parser table, from its command line to its output."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep import load
from audeep.audio.front_ends.mel import Preprocessor

SPECTRA = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12 --jobs 1"


@pytest.fixture
def table(recordings: Path, tmp_path: Path) -> Path:
    """What the folders of `recordings` say of them, with a value that rises with the pitch in the class."""
    rows = ["recording;tone;part;score"]
    for path in sorted(recordings.rglob("*.wav")):
        name = path.relative_to(recordings).as_posix()
        _, fold, label, number = re.split(r"[_/]", name)
        rows.append(f"{name};{label};{fold};{int(number[0]) / 2}")
    path = tmp_path / "tones.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_table_gives_the_same_data_set_as_the_folders_and_values(audeep, recordings, spectrograms, table, tmp_path):
    columns = "--label-column tone --fold-column part --value-column score"
    command = f"--basedir {recordings} --parser table --labels {table} {columns}"
    assert audeep(f"preprocess {command} {SPECTRA} --output {tmp_path}/t.nc").status == 0
    from_table, from_folders = load(tmp_path / "t.nc"), load(spectrograms)
    for name, column in from_folders.metadata.items():
        if name != "label_value":
            np.testing.assert_array_equal(from_table.metadata[name], column)
    assert from_table.label_map == from_folders.label_map
    assert from_table.label_values.tolist() == [0, 0.5, 1, 1.5] * 6
    shown = audeep(f"inspect raw {command}").out
    assert re.search(r"\| number of labels +\| +2 \|\n\| values +\| 24, from 0 to 1\.5 \|", shown)
    shown = audeep(f"inspect netcdf --input {tmp_path}/t.nc --instance 1").out
    assert "| values                | 24, from 0 to 1.5" in shown and "| value                   | 0.5 " in shown
    assert "| value           | 0.5 " in audeep(f"preprocess {command} {SPECTRA} --pretend 1").out
    assert "8 | same value in all chunks of a file" in audeep(f"validate --input {tmp_path}/t.nc").out


def test_data_without_values_show_and_store_none(audeep, spectrograms, recordings):
    assert "value" not in audeep(f"inspect netcdf --input {spectrograms} --instance 1").out
    assert "value" not in audeep(f"inspect raw --basedir {recordings}").out
    assert "value" not in audeep(f"validate --input {spectrograms}").out


@pytest.mark.parametrize(
    "options, message",
    [
        ("--parser table", "--parser table: needs a table of the recordings; name it with --labels\n"),
        (
            "--parser esc --labels TABLE",
            "--labels and its columns are for --parser table; give that, or leave them out\n",
        ),
        ("--fold-column x", "--labels and its columns are for --parser table; give that, or leave them out\n"),
        (
            "--parser table --labels no.csv",
            "no.csv: no such file; name the table of the recordings with --labels FILE\n",
        ),
        (
            "--parser table --labels TABLE --value-column tone --output OUT",
            "line 2, column 'tone' is 'high'; expected a finite number\n",
        ),
        ("--parser table --labels TABLE --file-column x", "name one of them with --file-column NAME\n"),
        (
            "--parser table --labels TABLE --output TABLE",
            "is an input and an output of this command; choose another name to write to\n",
        ),
    ],
)
def test_wrong_options_and_tables_are_one_line(audeep, recordings, table, tmp_path, options, message):
    options = options.replace("TABLE", str(table)).replace("OUT", f"{tmp_path}/out.nc")
    before = table.read_bytes()
    result = audeep(f"-q preprocess --basedir {recordings} {options}")
    assert result.status == 1 and result.err.endswith(message) and result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [table] and table.read_bytes() == before


@pytest.mark.slow
def test_values_reach_the_features_and_files_of_other_programs(audeep, recordings, run_directory, table, tmp_path):
    columns = "--label-column tone --fold-column part --value-column score"
    command = f"--basedir {recordings} --parser table --labels {table} {columns}"
    audeep(f"preprocess {command} {SPECTRA} --output {tmp_path}/t.nc")
    audeep(f"t-rae generate --model-dir {run_directory}/logs --input {tmp_path}/t.nc --output {tmp_path}/f.nc")
    audeep(f"fuse --input {tmp_path}/f.nc {tmp_path}/f.nc --output {tmp_path}/ff.nc")
    audeep(f"modify --input {tmp_path}/ff.nc --remove-cv-setup --output {tmp_path}/m.nc")
    for name in ("f", "ff", "m"):
        assert load(tmp_path / f"{name}.nc").label_values.tolist() == [0, 0.5, 1, 1.5] * 6
    audeep(f"export --input {tmp_path}/m.nc --format csv --name m --output {tmp_path}/csv")
    assert audeep(f"import --basedir {tmp_path}/csv --name m --output {tmp_path}/i.nc").status == 0
    assert load(tmp_path / "i.nc").label_values.tolist() == [0, 0.5, 1, 1.5] * 6
    (tmp_path / "csv" / "m.csv").write_text((tmp_path / "csv" / "m.csv").read_text().replace("label_value", "score"))
    options = f"--basedir {tmp_path}/csv --name m --label-value-attribute score --output {tmp_path}/i.nc"
    assert audeep(f"import {options}").status == 0
    assert load(tmp_path / "i.nc").label_values.tolist() == [0, 0.5, 1, 1.5] * 6


@pytest.mark.slow
def test_labels_alone_choose_the_table_and_its_parts_are_read_from_their_recordings(audeep, recordings, tmp_path):
    names = sorted(path.relative_to(recordings).as_posix() for path in recordings.rglob("*.wav"))[:2]
    lines = [f"{name},{start},{start + 0.25},{label}" for name in names for start, label in ((0, "x"), (0.25, "y"))]
    (tmp_path / "t.csv").write_text("\n".join(["file,start,end,emotion", *lines]))
    source = f"--basedir {recordings} --labels {tmp_path}/t.csv"
    assert audeep(f"preprocess {source} {SPECTRA} --output {tmp_path}/t.nc").status == 0
    found = load(tmp_path / "t.nc")
    assert list(found.filenames) == [f"{name}#t={times}" for name in names for times in ("0,0.25", "0.25,0.5")]
    assert found.label_map == {"x": 0, "y": 1} and found[0].group == names[0]
    for number, name in enumerate(names):
        samples, rate = soundfile.read(recordings / name)
        for part in (0, 1):
            soundfile.write(tmp_path / "half.wav", samples[part * rate // 4 : (part + 1) * rate // 4], rate, "DOUBLE")
            expected = Preprocessor(0.05, 0.025, 12).chunks(tmp_path / "half.wav")[0]
            np.testing.assert_array_equal(found[2 * number + part].features, expected)
    shown = audeep(f"inspect raw {source}").out
    assert re.search(r"\| number of audio files +\| +4 \|", shown)
    assert re.search(r"\| maximum sample length +\| +0.25 s \|", shown)
    assert re.search(r"\| files that these are parts of +\| +2 \|", shown)
    assert "a value" not in audeep(f"preprocess {source} {SPECTRA} --pretend 1 --plot {tmp_path}/p.png").err


@pytest.mark.slow
def test_a_part_that_its_recording_does_not_have_stops_preprocess_or_is_left_out(audeep, recordings, tmp_path):
    name = next(iter(sorted(recordings.rglob("*.wav")))).relative_to(recordings).as_posix()
    (tmp_path / "t.csv").write_text(f"file,start,end\n{name},0,0.25\n{name},0.25,99\n")
    command = f"preprocess --basedir {recordings} --labels {tmp_path}/t.csv {SPECTRA} --output {tmp_path}/t.nc"
    result = audeep(f"-q {command}")
    assert result.status == 1 and "(0.25 s to 99 s): the recording ends at 0.5 s; correct the times" in result.err
    assert audeep(f"{command} --continue --skip-bad").status == 0
    assert list(load(tmp_path / "t.nc").filenames) == [f"{name}#t=0,0.25"]


def test_several_folders_are_one_data_set(audeep, recordings, tmp_path):
    folders = [folder for folder in sorted(recordings.iterdir()) if folder.is_dir()]
    paths = " ".join(map(str, folders))
    assert audeep(f"preprocess --basedir {paths} {SPECTRA} --output {tmp_path}/t.nc").status == 0
    found = load(tmp_path / "t.nc")
    expected = sorted(path.relative_to(recordings).as_posix() for path in recordings.rglob("*.wav"))
    assert sorted(found.filenames) == expected and found.num_folds == 0
    assert all(name.split("/")[1] == label for name, label in zip(found.filenames, found.labels_nominal, strict=True))
