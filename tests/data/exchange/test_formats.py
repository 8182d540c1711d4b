# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of tables: each is chosen by a suffix, and holds what is added to it."""

import io
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from audeep.data.data_set import empty, load
from audeep.data.exchange.exporting import export
from audeep.data.exchange.formats import FEATURES, FORMATS, TextFormat, format_named, open_table, tables
from audeep.data.exchange.importing import import_
from audeep.errors import DataError, OptionError
from audeep.runtime.registry import Entry

COLUMNS = ["filename", "chunk_nr", "start_seconds", "feature_0", "feature_1"]


def frame(first: int, rows: int) -> pd.DataFrame:
    numbers = np.arange(first, first + rows)
    features = np.stack([numbers / 3, -numbers], axis=1).astype(np.float32)
    table = pd.DataFrame(features, columns=COLUMNS[3:])
    for position, values in enumerate((["a.wav"] * rows, numbers, numbers * 0.5)):
        table.insert(position, COLUMNS[position], values)
    return table


@pytest.mark.parametrize("suffix", [".csv", ".arff", ".nc", ".npy", ".npz", ".parquet", ".arrow", ".CSV"])
def test_frames_are_added_one_after_the_other(tmp_path: Path, suffix: str) -> None:
    if suffix in (".parquet", ".arrow"):
        pytest.importorskip("pyarrow")
    path = tmp_path / f"x{suffix}"
    with open_table(path, COLUMNS) as append:
        append(frame(0, 2))
        append(frame(2, 3))
        assert not path.exists()
    expected = frame(0, 5)[COLUMNS[3:]].to_numpy()
    if suffix == ".npy":
        np.testing.assert_array_equal(np.load(path), expected)
        return
    data_set = load(path) if suffix == ".nc" else import_(tmp_path, path.name)
    np.testing.assert_array_equal(data_set.features, expected)
    assert data_set.chunk_nrs.tolist() == [0, 1, 2, 3, 4] and set(data_set.filenames) == {"a.wav"}


def test_a_stream_gets_csv_at_once() -> None:
    stream = io.StringIO()
    with open_table(stream, COLUMNS) as append:
        assert stream.getvalue() == "filename,chunk_nr,start_seconds,feature_0,feature_1\n"
        append(frame(0, 1))
        assert stream.getvalue().splitlines()[1:] == ["a.wav,0,0.0,0.0,0.0"]


@pytest.mark.parametrize("name", [entry.name for entry in FORMATS])
def test_what_fails_half_way_leaves_no_file(tmp_path: Path, name: str) -> None:
    if name in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="no more"), open_table(tmp_path / f"x.{name}", COLUMNS) as append:
        append(frame(0, 2))
        raise ValueError("no more")
    assert list(tmp_path.iterdir()) == []


def test_a_suffix_or_a_name_that_no_format_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"output=x.xls: the suffix must be one of \.csv, \.arff, \.nc, \.npy"):
        with open_table(Path("x.xls"), COLUMNS):
            pass
    assert tables() == ["csv", "arff", "npy", "npz", "parquet", "arrow"]
    for name in ("xls", "nc"):
        with pytest.raises(OptionError, match=f"file_format={name}: expected one of csv, arff"):
            export(empty(1, [("generated", 1)]), tmp_path, "x", name)
    with pytest.raises(OptionError, match=r"name=a/b: is a path, the name of a file was expected"):
        export(empty(1, [("generated", 1)]), tmp_path, "a/b", "csv")


class Tabs(TextFormat):
    """A format of another package."""

    def header(self, columns: list[str], labels: list[str]) -> str:
        return "\t".join(columns) + "\n"

    def rows(self, frame: pd.DataFrame) -> str:
        return "".join("\t".join(map(str, row)) + "\n" for row in frame.itertuples(index=False))

    def read(self, path: Path, metadata: list[str]) -> pd.DataFrame:
        return pd.read_csv(path, sep="\t")


def test_a_format_of_another_package_is_written_exported_and_imported(tmp_path, monkeypatch) -> None:
    module = ModuleType("tabs_of_a_test")
    module.Tabs = Tabs
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(FORMATS.__dict__, "installed", {"tsv": Entry("tsv", "tabs_of_a_test:Tabs")})
    assert tables()[-1] == "tsv" and isinstance(format_named("tsv"), Tabs)
    data_set = empty(2, [("generated", 2)])
    data_set.filenames[:], data_set.features[:] = ["a", "b"], [[1, 2], [3, 4]]
    export(data_set, str(tmp_path), "x", "tsv")
    np.testing.assert_array_equal(import_(str(tmp_path), "x").features, data_set.features)
    with open_table(tmp_path / "y.tsv", COLUMNS) as append:
        append(frame(0, 2))
    assert import_(tmp_path, "y.tsv").chunk_nrs.tolist() == [0, 1]
    (tmp_path / "z.tsv").write_text("")
    with pytest.raises(DataError, match="z.tsv: is not a readable TSV file: No columns to parse from file; fix it"):
        import_(tmp_path, "z")


def test_formats_that_only_extract_writes_are_marked() -> None:
    assert [entry.name for entry in FORMATS if entry.family == FEATURES] == ["nc"]
