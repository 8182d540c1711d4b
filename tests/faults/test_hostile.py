# SPDX-License-Identifier: GPL-3.0-or-later
"""Data files and models that are made to do harm: they run nothing, lead nowhere else, and take no memory."""

import json
import pickle
import resource
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pandas as pd
import pytest
import torch

from audeep import load
from audeep.data.data_set import DataSet
from audeep.data.exchange.exporting import export
from audeep.data.exchange.importing import import_
from audeep.errors import AudeepError
from audeep.models.checkpoints import load_model
from tests.faults.samples import Column, File, texts

EVIL_NAMES = [
    "../../escaped.wav",
    "/escaped.wav",
    "..",
    ".",
    "~/escaped.wav",
    "C:\\escaped.wav",
    "\\\\server\\share\\escaped.wav",
    "CON",
    "nul.wav",
    "n" * 5000,
    "line\nend.wav",
    "carriage\rreturn",
    "tab\tin.wav",
    "\x1b]0;title\x07\x1b[31mred",
    "$(touch escaped)",
    "`touch escaped`",
    "; touch escaped",
    "| touch escaped",
    "%s%n{0}",
    "__import__('os').system('touch escaped')",
    "<script>touch('escaped')</script>",
    "\u202egnp.wav",
]
FORMULAS = [
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://localhost/","x")',
    "+1+cmd|'/C calc'!A0",
    "-2+3",
    "@SUM(1,2)",
    "\t=1+1",
    "\r=1+1",
    "==",
    "'=1",
    '"=1"',
    "-1",
    "=",
]


class Intruder:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def data_set_of(path: Path, names: list[str]) -> DataSet:
    """A data set with these names of recordings, which are its labels too."""
    file = File()
    file.sizes["instance"] = len(names)
    numbers = np.arange(len(names))
    file.columns |= {
        "filename": Column(("instance",), texts(*names)),
        "chunk_nr": Column(("instance",), 0 * numbers),
        "label_nominal": Column(("instance",), texts(*names)),
        "label_numeric": Column(("instance",), numbers),
        "cv_folds": Column(("instance", "fold"), 0 * numbers[:, None] + 1),
        "partition": Column(("instance",), numbers % 3),
        "features": Column(("instance", "generated"), np.arange(3 * len(names)).reshape(-1, 3) - 1.5),
    }
    file.attributes["label_map"] = json.dumps([[name, number] for number, name in enumerate(names)])
    return load(file.write(path))


# nothing runs


@pytest.mark.parametrize("write", [pickle.dump, torch.save], ids=["pickle", "torch"])
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("x.nc", load),
        ("x.csv", lambda path: import_(path.parent, "x")),
        ("x.arff", lambda path: import_(path.parent, "x")),
        ("model-1.safetensors", lambda path: load_model(path.parent)),
    ],
)
def test_a_pickle_under_another_name_does_not_run(
    tmp_path: Path, refused: Callable[..., str], name: str, read: Callable, write: Callable
) -> None:
    evidence = tmp_path / "code has run"
    with open(tmp_path / name, "wb") as file:
        write(Intruder(evidence), file)
    assert refused(read, tmp_path / name).startswith(f"{tmp_path / name}: ")
    assert not evidence.exists()


@pytest.mark.parametrize(
    "value",
    ["x" * 10_000_000, "__import__('os').system('touch escaped')", "../../escaped", "\0", "%n" * 1000, "{0.__class__}"],
    ids=["10 MB", "code", "path", "NUL", "format", "braces"],
)
@pytest.mark.parametrize("name", ["title", "_NCProperties2", "coordinates", "history", "dtype", "engine"])
def test_attributes_are_not_followed(tmp_path: Path, name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = File()
    file.attributes[name] = value
    file.columns["features"].attributes["long_name"] = value
    data_set = load(file.write(tmp_path / "x.nc"))
    assert data_set.features.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert [path.name for path in tmp_path.iterdir()] == ["x.nc"]


# files are written where they should be


@pytest.mark.parametrize("file_format", ["csv", "arff"])
def test_names_and_labels_decide_nothing_about_files(
    tmp_path: Path, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "a" / "b"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    data_set = data_set_of(tmp_path / "x.nc", EVIL_NAMES)
    export(data_set, work / "out", "x", file_format)
    written = sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.is_file())
    assert written == [f"out/{part}/fold_1/x.{file_format}" for part in ("devel", "test", "train")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "x.nc"]
    again = import_(work / "out", "x")
    assert sorted(again.filenames) == sorted(again.labels_nominal) == sorted(EVIL_NAMES)


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "a/b", "a/", "."])
def test_a_name_of_files_that_is_a_path_is_refused(tmp_path: Path, refused: Callable[..., str], name: str) -> None:
    data_set = data_set_of(tmp_path / "x.nc", ["a"])
    assert refused(export, data_set, tmp_path / "out", name, "csv") == (
        f"name={name}: is a path, the name of a file was expected; the directory says where it goes"
    )


def test_a_name_of_files_that_is_too_long_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    data_set = data_set_of(tmp_path / "x.nc", ["a"])
    with pytest.raises(AudeepError, match="cannot be written: File name too long; check the space and"):
        export(data_set, tmp_path / "out", "n" * 300, "csv")
    assert [path.name for path in tmp_path.iterdir()] == ["x.nc"]


@pytest.mark.parametrize("file_format", ["csv", "arff"])
def test_formulas_are_names_like_any_other_and_numbers_stay_numbers(tmp_path: Path, file_format: str) -> None:
    data_set = data_set_of(tmp_path / "x.nc", FORMULAS)
    export(data_set, tmp_path / "out", "x", file_format)
    again = import_(tmp_path / "out", "x")
    order = np.argsort(again.features[:, 0])
    assert again.filenames[order].tolist() == again.labels_nominal[order].tolist() == FORMULAS
    np.testing.assert_array_equal(again.features[order], data_set.features)
    if file_format == "csv":
        frame = pd.read_csv(tmp_path / "out" / "train" / "fold_1" / "x.csv")
        assert frame["feature_0"].tolist() == data_set.features[::3, 0].tolist()


# memory is bounded

READ = """
import resource, sys
from pathlib import Path
from audeep.errors import AudeepError
if sys.argv[1].endswith(".nc"):
    from audeep import load as read
else:
    from audeep.models.checkpoints import load_model as read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read(Path(sys.argv[1]))
except AudeepError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def peak_of_reading(path: Path) -> tuple[str, int]:
    """What is said of `path`, and the memory that this took, in MiB, of 16 GiB of address space."""
    result = subprocess.run(
        [sys.executable, "-c", READ, path],
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**34, 2**34)),
    )
    assert result.returncode == 0 and result.stderr == "", result.stderr
    *lines, kilobytes = result.stdout.splitlines()
    return "\n".join(lines), int(kilobytes) // 1024


def huge(name: str, kind: object, dims: tuple[str, ...] = ("instance",), **options: object) -> Callable[[File], None]:
    """Declare a variable over 10^12 instances, of which nothing is written."""

    def change(file: File) -> None:
        file.sizes["instance"] = None
        for column in file.columns.values():
            column.options["chunksizes"] = [1] * len(column.dims)

        def write(dataset: netCDF4.Dataset, name: str, dims: tuple[str, ...]) -> None:
            dataset.createVariable(name, kind, dims, **{"chunksizes": [1] * len(dims), **options})
            if kind is not str:
                dataset[name][10**12 - 1] = 0

        del file.columns[name]
        file.columns = {name: Column(dims, None, write=write), **file.columns}  # the first is named

    return change


def huge_axes(**options: object) -> Callable[[File], None]:
    """Declare features of 10^6 x 10^6 for each instance, of which nothing is written."""

    def change(file: File) -> None:
        file.sizes |= {"time": 10**6, "freq": 10**6}

        def write(dataset: netCDF4.Dataset, name: str, dims: tuple[str, ...]) -> None:
            dataset.createVariable(name, "f4", dims, chunksizes=(1, 1, 8), **options)

        file.columns["features"] = Column(("instance", "time", "freq"), None, write=write)
        file.attributes["feature_dims"] = '["time", "freq"]'

    return change


def huge_chunks(file: File) -> None:
    """Declare that features stand in chunks of 2 GB."""
    file.sizes["instance"] = None

    def write(dataset: netCDF4.Dataset, name: str, dims: tuple[str, ...]) -> None:
        dataset.createVariable(name, "f4", dims, chunksizes=(5 * 10**8 // 3, 3))

    for name, column in file.columns.items():
        if name != "features":
            column.options["chunksizes"] = [1] * len(column.dims)
    file.columns["features"] = Column(("instance", "generated"), None, write=write)


BOMBS: dict[str, tuple[Callable[[File], None], str]] = {
    "chunk_nr": (huge("chunk_nr", "i8"), "'chunk_nr' is declared to have 8000000000000 bytes"),
    "label_numeric": (huge("label_numeric", "f8"), "'label_numeric' is declared to have 8000000000000 bytes"),
    "partition": (huge("partition", "i1"), "'partition' is declared to have 1000000000000 bytes"),
    "cv_folds": (huge("cv_folds", "i2", ("instance", "fold")), "'cv_folds' is declared to have 2000000000000 bytes"),
    "features": (
        huge("features", "f4", ("instance", "generated")),
        "'features' is declared to have 12000000000000 byt",
    ),
    "features, packed": (
        huge("features", "f4", ("instance", "generated"), compression="zlib"),
        "'features' is declared to have 12000000000000 bytes",
    ),
    "features of 4 TB each": (huge_axes(), "'features' is declared to have 8000000000000 bytes"),
    "features of 4 TB each, packed": (
        huge_axes(compression="zlib"),
        "'features' is declared to have 8000000000000 bytes, more than a file of",
    ),
    "chunks": (huge_chunks, "'features' is declared to have 1999999992 bytes"),
}


@pytest.mark.parametrize(("change", "expected"), BOMBS.values(), ids=BOMBS)
def test_a_data_set_that_declares_more_than_it_holds_takes_no_memory(
    tmp_path: Path, change: Callable[[File], None], expected: str
) -> None:
    file = File()
    change(file)
    path = file.write(tmp_path / "x.nc")
    assert path.stat().st_size < 2**20
    message, mebibytes = peak_of_reading(path)
    assert message.startswith(f"{path}: {expected}")
    assert "\n" not in message and mebibytes < 64


def test_folds_without_splits_take_no_memory(tmp_path: Path) -> None:
    file = File()
    file.sizes["fold"] = 10**12
    del file.columns["cv_folds"]

    def write(dataset: netCDF4.Dataset, name: str, dims: tuple[str, ...]) -> None:
        dataset.createVariable(name, "i1", dims, chunksizes=(1,))

    file.columns["fold"] = Column(("fold",), None, write=write)
    message, mebibytes = peak_of_reading(file.write(tmp_path / "x.nc"))
    assert message == "" and mebibytes < 64
    assert load(tmp_path / "x.nc").num_folds == 0


@pytest.mark.parametrize("size", [2**30, 2**40, 2**60, 2**63, 2**64 - 1])
def test_a_model_that_declares_a_huge_header_takes_no_memory(tmp_path: Path, size: int) -> None:
    path = tmp_path / "model-1.safetensors"
    path.write_bytes(struct.pack("<Q", size) + b"{}" * 100)
    message, mebibytes = peak_of_reading(tmp_path)
    assert message.startswith(f"{path}: cannot be read (") and "\n" not in message and mebibytes < 64


@pytest.mark.parametrize(
    "sizes", [{"num_units": 30_000}, {"num_units": 10**9}, {"num_layers": 10**9}, {"num_features": 10**6}], ids=str
)
def test_a_model_that_declares_huge_weights_takes_no_memory(tmp_path: Path, sizes: dict[str, int]) -> None:
    path = tmp_path / "model-1.safetensors"
    config = {"num_steps": 5, "num_features": 4, **sizes}
    facts = {"model": "t-rae", "config": config, "progress": {"step": 1, "epoch": 1, "seed": 0}}
    header = json.dumps({"__metadata__": {"audeep": json.dumps(facts)}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    message, mebibytes = peak_of_reading(tmp_path)
    assert message.startswith(f"{path}: ") and "\n" not in message and mebibytes < 128


# nothing hangs


def with_endless_heap(path: Path) -> Path:
    """A file in whose global heap a free piece has size 0, over which the HDF5 library goes round for ever."""
    content = bytearray(path.read_bytes())
    at = content.index(b"GCOL")
    end = at + struct.unpack_from("<Q", content, at + 8)[0]
    piece = at + 16
    while piece < end:
        number, size = struct.unpack_from("<H", content, piece)[0], struct.unpack_from("<Q", content, piece + 8)[0]
        if number == 0:
            content[piece + 8 : piece + 16] = bytes(8)
            break
        piece += 16 + -(-size // 8) * 8
    path.write_bytes(content)
    return path


def test_a_file_that_never_opens_is_given_up(tmp_path: Path) -> None:
    path = with_endless_heap(File().write(tmp_path / "x.nc"))
    program = (
        "import sys; from audeep.data import hdf5; hdf5.OPENING_SECONDS = 2;"
        "from audeep.cli.app import main; sys.exit(main(['validate', '--input', sys.argv[1]]))"
    )
    result = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, timeout=60)
    assert result.stderr == f"{path}: could not be opened in 2 s; it is damaged, or its disk does not answer\n"
    assert result.returncode == 1
