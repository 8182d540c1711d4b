# SPDX-License-Identifier: GPL-3.0-or-later
"""Data set files that are wrong in one way each: what `load` says of them."""

import gzip
import os
import pickle
import random
import struct
import zipfile
import zlib
from base64 import b85decode
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from audeep import load
from tests.faults.samples import Column, File, texts

TEXTS = ("filename", "label_nominal")
NUMBERS = ("chunk_nr", "label_numeric", "cv_folds", "partition")
DIMS = {name: column.dims for name, column in File().columns.items()}
NO_DATA_SET = "has no variable 'features' over 'instance'; this is not a data set file of audeep"
Case = tuple[Callable[[File], None], str]


# values of types that no column has


def write_chars(file: netCDF4.Dataset, name: str, dims: tuple[str, ...]) -> None:
    file.createVariable(name, "S1", (*dims, "spare"))[:] = b"x"


def write_compound(file: netCDF4.Dataset, name: str, dims: tuple[str, ...]) -> None:
    kind = np.dtype([("real", "f4"), ("imag", "f4")])
    file.createVariable(name, file.createCompoundType(kind, f"{name}_type"), dims)[:] = np.zeros((), kind)


def write_lists(file: netCDF4.Dataset, name: str, dims: tuple[str, ...]) -> None:
    variable = file.createVariable(name, file.createVLType(np.int32, f"{name}_type"), dims)
    for index in np.ndindex(variable.shape):
        variable[index] = np.arange(2, dtype=np.int32)


def values(array: np.ndarray, name: str) -> np.ndarray:
    """Values in the shape of a column."""
    return np.broadcast_to(array, [File().sizes[dim] for dim in DIMS[name]])


def setting(name: str, **changes: object) -> Callable[[File], None]:
    """Change a column."""

    def change(file: File) -> None:
        for key, value in changes.items():
            setattr(file.columns[name], key, value)

    return change


def holding(name: str, value: object) -> Callable[[File], None]:
    """Fill a column with one value."""
    return setting(name, values=values(np.array(value, object if isinstance(value, str) else None), name))


def attribute(name: str, value: object) -> Callable[[File], None]:
    """Change an attribute of the file."""
    return lambda file: file.attributes.update({name: value})


def on_column(name: str, **attributes: object) -> Callable[[File], None]:
    """Change attributes of a column."""
    return lambda file: file.columns[name].attributes.update(attributes)


def type_cases() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    any_type = "expected texts or numbers; write the file again"
    for name in TEXTS:
        for value in (np.int8(1), np.uint16(1), np.int64(1), np.float32(0.5), np.float64(0)):
            expected = f"'{name}' holds {value.dtype}, expected text; write the file again"
            cases[f"{name} of {value.dtype}"] = (holding(name, value), expected)
        cases[f"{name} of single characters"] = (
            setting(name, write=write_chars),
            f"'{name}' holds bytes, expected text; write",
        )
        cases[f"{name} of pairs"] = (setting(name, write=write_compound), f"'{name}' holds records, {any_type}")
        cases[f"{name} of lists"] = (setting(name, write=write_lists), f"'{name}' holds lists, {any_type}")
    for name in NUMBERS:
        integers = "expected integers; write the file again"
        for what, value in {
            "text": "1",
            "fractions": 0.5,
            "small fractions": np.float32(1e-30),
            "infinity": np.inf,
            "minus infinity": np.float32(-np.inf),
            "2 to the 60": 2**60,
            "minus 2 to the 63": -(2**63),
            "1e300": 1e300,
        }.items():
            kind = "text" if isinstance(value, str) else np.asarray(value).dtype
            cases[f"{name} of {what}"] = (holding(name, value), f"'{name}' holds {kind}, {integers}")
        cases[f"{name} of single characters"] = (setting(name, write=write_chars), f"'{name}' holds bytes, {integers}")
        cases[f"{name} of pairs"] = (setting(name, write=write_compound), f"'{name}' holds records, {any_type}")
        cases[f"{name} of lists"] = (setting(name, write=write_lists), f"'{name}' holds lists, {any_type}")
    cases["features of text"] = (holding("features", "x"), "features are of type text, numbers were expected")
    cases["features of single characters"] = (
        setting("features", write=write_chars),
        "features are of type bytes, numbers were expected",
    )
    cases["features of pairs"] = (setting("features", write=write_compound), f"'features' holds records, {any_type}")
    cases["features of lists"] = (setting("features", write=write_lists), f"'features' holds lists, {any_type}")
    return cases


def shape_cases() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    sizes = File().sizes
    for name, dims in DIMS.items():
        column = File().columns[name].values
        for wrong in (
            (),
            ("fold",),
            ("spare",),
            ("generated", "instance"),
            ("instance", "spare"),
            ("instance", "fold", "spare"),
            ("fold", "instance"),
        ):
            if name == "features" and wrong[:1] == ("instance",):
                continue  # features may have any axes
            expected = f"'{name}' is over {wrong}, expected {dims}; write the file again"
            if name == "features":
                expected = NO_DATA_SET if "instance" not in wrong else "features have an axis named 'instance', a name"
            filled = np.full([sizes[dim] for dim in wrong], column.flat[0], column.dtype)
            cases[f"{name} over {' x '.join(wrong) or 'nothing'}"] = (
                setting(name, dims=wrong, values=filled),
                expected,
            )
    for axis in ("fold", "instance", "filename", "chunk_nr", "label_map", "partition", "features"):
        taken = f"features have an axis named '{axis}', a name of its own was expected"
        if axis != "label_map":
            cases[f"features over instance x {axis}"] = (_with_axis(axis), taken)
    return cases


def _with_axis(axis: str) -> Callable[[File], None]:
    def change(file: File) -> None:
        file.sizes.setdefault(axis, 2)
        size = file.sizes[axis]
        file.columns["features"] = Column(("instance", axis), np.ones((2, size), np.float32))
        file.attributes["feature_dims"] = f'["{axis}"]'

    return change


def renamed_dimension(file: File) -> None:
    file.sizes["example"] = file.sizes.pop("instance")
    for column in file.columns.values():
        column.dims = tuple("example" if dim == "instance" else dim for dim in column.dims)


def content_cases() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for name in ("filename", "chunk_nr", "features"):
        what = "variable 'features' over 'instance'" if name == "features" else f"variable '{name}'"
        cases[f"no {name}"] = (lambda file, name=name: file.columns.pop(name), f"has no {what}; this is not a data set")
    cases["no variables"] = (lambda file: file.columns.clear(), "has no variable 'features' over 'instance'")
    cases["another name for instances"] = (renamed_dimension, "has no variable 'features' over 'instance'")
    cases["one name empty"] = (
        setting("filename", values=texts("a.wav", "")),
        "'filename' lacks a value for 1 instances; each instance needs one",
    )
    cases["all names empty"] = (setting("filename", values=texts("", "")), "'filename' lacks a value for 2 instances")
    cases["all names NaN"] = (holding("filename", np.nan), "'filename' lacks a value for 2 instances")
    cases["one chunk number NaN"] = (
        setting("chunk_nr", values=np.array([0, np.nan])),
        "'chunk_nr' lacks a value for 1 instances; each instance needs one",
    )
    cases["all chunk numbers NaN"] = (holding("chunk_nr", np.nan), "'chunk_nr' lacks a value for 2 instances")
    cases["chunk numbers that are fill values"] = (
        setting("chunk_nr", values=np.array([7, 7]), attributes={"_FillValue": 7}),
        "'chunk_nr' lacks a value for 2 instances",
    )
    for value in (3, 7, -1, 255):
        cases[f"partition {value}"] = (
            setting("partition", values=np.array([0, value])),
            "'partition' holds other values than 0 (train), 1 (devel), 2 (test); write the file again",
        )
    for value in (2, -1, 100):
        cases[f"split {value}"] = (
            setting("cv_folds", values=np.array([[0], [value]])),
            "'cv_folds' holds other values than 0 (train), 1 (valid); write the file again",
        )
    return cases


def attribute_cases() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for what, value in {
        "no JSON": "generated",
        "empty": "",
        "a number": np.int32(3),
        "numbers": np.array([1, 2], np.int32),
        "a JSON number": "3",
        "a JSON text": '"generated"',
        "null": "null",
        "an object": '{"generated": 3}',
        "an empty list": "[]",
        "too many": '["generated", "time"]',
        "another": '["time"]',
        "one twice": '["generated", "generated"]',
        "nested": '[["generated"]]',
        "mixed": '["generated", 3]',
        "cut": '["gener',
        "a path": '["../../generated"]',
        "deep": "[" * 100_000,
    }.items():
        shown = str(value)[:100] if isinstance(value, str) else str(value)
        expected = f"attribute 'feature_dims' is {shown!r}, but features have the axes [\"generated\"]; write the file"
        if what != "an object":
            cases[f"feature_dims: {what}"] = (attribute("feature_dims", value), expected)
    pairs = "attribute 'label_map' is not a JSON list of [name, number] pairs; write the file again"
    for what, value, expected in (
        ("no JSON", "cat: 0", pairs),
        ("empty", "", pairs),
        ("a number", np.int32(3), pairs),
        ("numbers", np.array([1.0, 2.0]), pairs),
        ("a JSON number", "3", pairs),
        ("a JSON text", '"cat"', pairs),
        ("null", "null", pairs),
        ("an object", '{"cat": 0, "dog": 1}', pairs),
        ("an object with names of two letters", '{"c0": 0}', pairs),
        ("names only", '["cat", "dog"]', pairs),
        ("names of two letters", '["c0", "d1"]', pairs),
        ("numbers first", '[[0, "cat"], [1, "dog"]]', pairs),
        ("three in a pair", '[["cat", 0, 1]]', pairs),
        ("one in a pair", '[["cat"]]', pairs),
        ("numbers as text", '[["cat", "0"]]', pairs),
        ("fractions", '[["cat", 0.5]]', pairs),
        ("whole fractions", '[["cat", 0.0]]', pairs),
        ("true", '[["cat", true]]', pairs),
        ("no number", '[["cat", null]]', pairs),
        ("infinity", '[["cat", Infinity]]', pairs),
        ("not a number", '[["cat", NaN]]', pairs),
        ("lists as names", '[[["cat"], 0]]', pairs),
        ("cut", '[["cat", 0], ["do', pairs),
        ("deep", "[" * 100_000, pairs),
        ("a number of 5000 digits", f'[["cat", {"9" * 5000}]]', pairs),
        ("code", "__import__('os').system('true')", pairs),
        ("2 to the 60", f'[["cat", {2**60}]]', "attribute 'label_map' has a number above 2^53; write the file again"),
        (
            "a label twice",
            '[["cat", 0], ["cat", 1]]',
            "attribute 'label_map' names a label twice; write the file again",
        ),
    ):
        cases[f"label_map: {what}"] = (attribute("label_map", value), expected)
    for name in DIMS:
        if name not in TEXTS:
            expected = "features are of type text, numbers" if name == "features" else "not a readable netCDF 4 file ("
            cases[f"{name} with a scale that is text"] = (on_column(name, scale_factor="two"), expected)
    return cases


CASES = type_cases() | shape_cases() | content_cases() | attribute_cases()


def test_the_file_that_the_cases_change_is_sound(tmp_path: Path) -> None:
    data_set = load(File().write(tmp_path / "x.nc"))
    assert data_set.labels_nominal.tolist() == ["dog", "cat"] and data_set.label_map == {"cat": 0, "dog": 1}
    assert data_set.features.tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize(("change", "expected"), CASES.values(), ids=CASES)
def test_a_wrong_data_set_is_refused(
    tmp_path: Path, refused: Callable[..., str], change: Callable[[File], None], expected: str
) -> None:
    file = File()
    change(file)
    path = file.write(tmp_path / "x.nc")
    assert refused(load, path).startswith(f"{path}: {expected}")


# files that are not netCDF, or no longer


def whole(tmp_path: Path) -> bytes:
    return File().write(tmp_path / "whole").read_bytes()


def compressed_hdf5(text: str) -> bytes:
    return zlib.decompress(b85decode(text))


HDF5 = b"\x89HDF\r\n\x1a\n"
NO_NETCDF = "not a readable netCDF 4 file ("
EMPTY_HDF5 = compressed_hdf5("c-rgqaB<`1lHy|K;9!7(|4^_Q$~S=0Q$xeL{XJZQm>4RUgpd`&02dPjBTzVkfo9<7&J$|@UGgDP")
PLAIN_HDF5 = compressed_hdf5(
    "c-rgqaB<`1lHy|K;9!7(|4^U=6*7Q|FNu3!>+j(b#Kcg+B!sLG2Dq3Q7#SGYgc*PoM_OuPNoi4P@n)!Qm~duJYF=V)>V8J3xE2EmV2ju)C$JM385"
    "kK=7#NtC7#W$Ma?DT~ozE=7z$mC7&%graDKLn0Fo@R!S*$?UGIMbNeZmZM7euWD%%TMhgC6*qmG#2ILImh<MnqV^!+?W<Q5YD~tZ4p~fclpUX4o"
    "EvAq`|YST`|@f>AIEM!_f`1vJ=W!-;z3iDgM30suPiIhO"
)
BYTES = {
    "nothing": (b"", NO_NETCDF),
    "one byte": (b"\x89", NO_NETCDF),
    "text": (b"no data\n", NO_NETCDF),
    "unicode text": ("Ätsch\n".encode() * 100, NO_NETCDF),
    "a table": (b"filename,feature_0\na.wav,0.5\n", NO_NETCDF),
    "JSON": (b'{"features": [[1, 2]]}', NO_NETCDF),
    "HTML": (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", NO_NETCDF),
    "a pickle": (pickle.dumps({"features": [1, 2]}), NO_NETCDF),
    "a NumPy array": (b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f4'}".ljust(118), NO_NETCDF),
    "gzip": (gzip.compress(b"x" * 100), NO_NETCDF),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, NO_NETCDF),
    "sound": (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0" + b"\0" * 40, NO_NETCDF),
    "a program": (b"#!/bin/sh\ntouch acted\n", NO_NETCDF),
    "weights": (struct.pack("<Q", 2) + b"{}", NO_NETCDF),
    "zeros": (b"\0" * 4096, NO_NETCDF),
    "a signature of HDF5 alone": (HDF5, NO_NETCDF),
    "a signature of HDF5 and zeros": (HDF5 + b"\0" * 4096, NO_NETCDF),
    "a signature of HDF5 and ones": (HDF5 + b"\xff" * 4096, NO_NETCDF),
    "a signature of netCDF 3 alone": (b"CDF\x01", NO_NETCDF),
    "netCDF 3 with 4 billion dimensions": (b"CDF\x01\0\0\0\0\0\0\0\x0a\xff\xff\xff\xff", NO_NETCDF),
    "HDF5 without content": (EMPTY_HDF5, NO_DATA_SET),
    "HDF5 without names of axes": (PLAIN_HDF5, NO_DATA_SET),
} | {
    f"{what}, seed {seed}": (start + random.Random(seed).randbytes(4096), NO_NETCDF)
    for what, start in (
        ("noise", b""),
        ("noise after a signature of HDF5", HDF5),
        ("noise after netCDF 3", b"CDF\x01"),
    )
    for seed in range(5)
}


@pytest.mark.parametrize(("content", "expected"), BYTES.values(), ids=BYTES)
def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, refused: Callable[..., str], content: bytes, expected: str
) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(content)
    assert refused(load, path).startswith(f"{path}: {expected}")


@pytest.mark.parametrize("percent", range(0, 100, 3))
def test_a_truncated_file_is_refused(tmp_path: Path, refused: Callable[..., str], percent: int) -> None:
    content = whole(tmp_path)
    path = tmp_path / "x.nc"
    path.write_bytes(content[: percent * len(content) // 100])
    assert refused(load, path).startswith(f"{path}: {NO_NETCDF}")


@pytest.mark.parametrize("missing", [1, 2, 3, 7, 8, 15, 16, 100, 512, 1000])
def test_a_file_without_its_last_bytes_is_refused(tmp_path: Path, refused: Callable[..., str], missing: int) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(whole(tmp_path)[:-missing])
    assert refused(load, path).startswith(f"{path}: {NO_NETCDF}")


@pytest.mark.parametrize("missing", [1, 2, 8, 100, 1000])
def test_a_file_without_its_first_bytes_is_refused(tmp_path: Path, refused: Callable[..., str], missing: int) -> None:
    path = tmp_path / "x.nc"
    path.write_bytes(whole(tmp_path)[missing:])
    assert refused(load, path).startswith(f"{path}: {NO_NETCDF}")


def test_a_data_set_in_an_archive_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    with zipfile.ZipFile(tmp_path / "x.nc", "w") as archive:
        archive.writestr("whole.nc", whole(tmp_path))
    assert "x.nc: not a readable netCDF 4 file (" in refused(load, tmp_path / "x.nc")


def test_a_data_set_in_a_group_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    path = File().write(tmp_path / "x.nc", group="birds")
    assert refused(load, path) == f"{path}: {NO_DATA_SET}"


@pytest.mark.parametrize(
    "file_format", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA", "NETCDF4_CLASSIC"]
)
def test_formats_without_texts_are_refused(tmp_path: Path, refused: Callable[..., str], file_format: str) -> None:
    file = File()
    for name, column in file.columns.items():
        if name in TEXTS:
            column.write = write_chars
        elif name != "features":
            column.values = column.values.astype(np.int32)
    path = file.write(tmp_path / "x.nc", file_format)
    assert refused(load, path) == f"{path}: 'filename' holds bytes, expected text; write the file again"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: None, "no such file; a data set file, as 'audeep preprocess' writes, was expected"),
        (
            Path.mkdir,
            "is a directory without shards.json; a data set file, as 'audeep preprocess' writes, or a directory",
        ),
        (os.mkfifo, "is a device or a pipe; a data set file, as 'audeep preprocess' writes, was expected"),
        (lambda path: path.symlink_to("nowhere"), "no such file; a data set file"),
        (lambda path: path.symlink_to(path), "no such file; a data set file"),
    ],
    ids=["nothing", "directory", "pipe", "link to nowhere", "link to itself"],
)
def test_what_is_no_file_is_refused(
    tmp_path: Path, refused: Callable[..., str], make: Callable[[Path], None], expected: str
) -> None:
    path = tmp_path / "x.nc"
    make(path)
    assert refused(load, path).startswith(f"{path}: {expected}")


def test_an_address_is_no_file(refused: Callable[..., str]) -> None:
    assert refused(load, "http://localhost:1/x.nc").startswith("http:/localhost:1/x.nc: no such file")


# files that are strange, and data sets all the same

STRANGE: dict[str, Callable[[File], None]] = {
    "extra variables of all types": lambda file: file.columns.update(
        number=Column(("instance",), np.array([1, 2])),
        instance=Column(("instance",), np.array([5, 5])),
        fold=Column(("fold",), texts("x")),
        chars=Column(("instance",), None, write=write_chars),
        pairs=Column(("spare",), None, write=write_compound),
        lists=Column(("spare",), None, write=write_lists),
    ),
    "extra attributes": lambda file: file.attributes.update(title="birds", _NCProperties2="x", history="y" * 100_000),
    "units of time": on_column("chunk_nr", units="days since 1970-01-01"),
    "units of time that are none": on_column("label_numeric", units="days since yesterday", calendar="maya"),
    "coordinates": on_column("features", coordinates="filename chunk_nr nothing"),
    "no attributes": lambda file: file.attributes.clear(),
    "labels in another alphabet": setting("label_nominal", values=texts("собака", "猫")),
    "names with line ends": setting("filename", values=texts("a\nb.wav", "\x1b[31mb.wav")),
}


@pytest.mark.parametrize("change", STRANGE.values(), ids=STRANGE)
def test_a_strange_file_is_read(tmp_path: Path, change: Callable[[File], None]) -> None:
    file = File()
    change(file)
    data_set = load(file.write(tmp_path / "x.nc"))
    assert data_set.chunk_nrs.tolist() == [0, 0] and data_set.features.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert data_set.filenames.tolist() == file.columns["filename"].values.tolist()
