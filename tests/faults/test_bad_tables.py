# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV and ARFF files that are wrong in one way each: what `import_` says of them."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audeep.data.exchange.arff import MAX_SPARSE_VALUES
from audeep.data.exchange.importing import import_

CSV = "x.csv: is not a readable CSV file: "
ARFF = "x.arff: is not a readable ARFF file: "
LABELLED = "filename,label_nominal,label_numeric,x\n"


def not_a_number(text: str, row: int = 1) -> str:
    return f"x.csv: column 'x' has {text!r} in data row {row}, features are numbers; leave it out with ignore_column"


CSV_CASES: dict[str, tuple[str | bytes, str]] = {
    # what is there
    "empty": ("", "x.csv: has no columns of features; at least one was expected"),
    "line ends alone": ("\n\n\n", "x.csv: has no columns of features; at least one was expected"),
    "header alone": ("filename,x\n", "x.csv: has no instances; at least one was expected"),
    "header without line end": ("filename,x", "x.csv: has no instances; at least one was expected"),
    "no features": (
        "filename,label_nominal\na,b\n",
        "x.csv: has no columns of features beside filename, label_nominal",
    ),
    "only names": ("filename\na\n", "x.csv: has no columns of features beside filename"),
    "prose": ("These are no data.\nNot, at all.\n", f"{CSV}line 2 has 2 values, the header has 1; fix it"),
    "JSON": ('{"x": [1, 2]}\n', "x.csv: has no instances; at least one was expected"),
    # numbers of values
    "a value less": ("x,y\n1,2\n3\n", f"{CSV}line 3 has 1 values, the header has 2; fix it"),
    "a value more": ("x,y\n1,2\n3,4,5\n", f"{CSV}line 3 has 3 values, the header has 2; fix it"),
    "a value more everywhere": ("x,y\n1,2,3\n4,5,6\n", f"{CSV}line 2 has 3 values, the header has 2; fix it"),
    "a comment": ("# tones\nfilename,x\na,1\n", f"{CSV}line 2 has 2 values, the header has 1; fix it"),
    "another separator further down": ("x,y\n1,2\n3;4\n", f"{CSV}line 3 has 1 values, the header has 2; fix it"),
    "cut in a line": ("x,y,z\n1,2,3\n4,", f"{CSV}line 3 has 2 values, the header has 3; fix it"),
    # columns
    "a column twice": ("x,y,x\n1,2,3\n", f"{CSV}the column 'x' is there twice; fix it"),
    "names twice": ("filename,filename,x\na,b,1\n", f"{CSV}the column 'filename' is there twice; fix it"),
    "columns without names": (",,,\n1,2,3,4\n", "x.csv: has no instances; at least one was expected"),
    "names of columns that are data": ("1,2,1\n4,5,6\n", f"{CSV}the column '1' is there twice; fix it"),
    # values
    "text": ("filename,x\na,loud\n", not_a_number("loud")),
    "text further down": ("filename,x\na,1\nb,2\nc,loud\n", not_a_number("loud", 3)),
    "true": ("x\nTrue\nFalse\n", not_a_number("True")),
    "true among numbers": ("filename,x\na,1\nb,true\n", not_a_number("true", 2)),
    "a formula": ("filename,x\na,=1+1\n", not_a_number("=1+1")),
    "a command": ("filename,x\na,=cmd|'/C calc'!A0\n", not_a_number("=cmd|'/C calc'!A0")),
    "a date": ("filename,x\na,2026-01-31\n", not_a_number("2026-01-31")),
    "a time": ("filename,x\na,12:30\n", not_a_number("12:30")),
    "a percentage": ("filename,x\na,50%\n", not_a_number("50%")),
    "a unit": ("filename,x\na,50 Hz\n", not_a_number("50 Hz")),
    "a hexadecimal number": ("filename,x\na,0x10\n", not_a_number("0x10")),
    "a complex number": ("filename,x\na,1+2j\n", not_a_number("1+2j")),
    "an underscore": ("filename,x\na,1_000\n", not_a_number("1_000")),
    "a thousand's comma": ('filename,x\na,"1,000"\n', not_a_number("1,000")),
    "two numbers": ("filename,x\na,1 2\n", not_a_number("1 2")),
    "a list": ('filename,x\na,"[1, 2]"\n', not_a_number("[1, 2]")),
    "two signs": ("filename,x\na,--1\n", not_a_number("--1")),
    "a dash": ("filename,x\na,-\n", not_a_number("-")),
    "a minus of typographers": ("filename,x\na,\u22121\n", not_a_number("\u22121")),
    "a fraction": ("filename,x\na,1/2\n", not_a_number("1/2")),
    "a word of 10,000 letters": (f"filename,x\na,{'w' * 10_000}\n", not_a_number("w" * 60)),
    "a path": ("filename,x\na,../../x\n", not_a_number("../../x")),
    "a NUL in a number": (b"filename,x\na,1\0\n", "x.csv: "),
    "1e300": ("filename,x\na,1e300\n", "x.csv: column 'x' has 1e+300 in data row 1, features are below 3.4e+38; scale"),
    "-1e39": ("filename,x\na,1\nb,-1e39\n", "x.csv: column 'x' has -1e+39 in data row 2, features are below 3.4e+38"),
    "300 digits": (f"filename,x\na,{'9' * 300}\n", "x.csv: column 'x' has 1e+300 in data row 1, features are below"),
    # encodings
    "UTF-16": (
        "filename,x\na,1\n".encode("utf-16"),
        "x.csv: is not text in UTF-8 (invalid start byte at byte 0); co",
    ),
    "UTF-16, little endian": ("filename,x\na,1\n".encode("utf-16-le"), f"{CSV}it has NUL characters, as UTF-16 has; U"),
    "UTF-16, big endian": ("filename,x\na,1\n".encode("utf-16-be"), f"{CSV}it has NUL characters, as UTF-16 has; UTF-"),
    "UTF-32": (
        "filename,x\na,1\n".encode("utf-32"),
        "x.csv: is not text in UTF-8 (invalid start byte at byte 0); co",
    ),
    "Latin-1": ("filename,x\nGrün,1\n".encode("latin-1"), "x.csv: is not text in UTF-8 (invalid"),
    "Latin-1 in the header": ("größe\n1\n".encode("latin-1"), "x.csv: is not text in UTF-8 (invalid"),
    "Shift JIS": ("filename,x\n猫,1\n".encode("shift_jis"), "x.csv: is not text in UTF-8 (invalid"),
    "CP 1252 far down": (b"filename,x\n" + b"a,1\n" * 9999 + b"\x80,1\n", "x.csv: is not text in UTF-8 (invalid start"),
    "half a letter at the end": ("filename,x\na,1\nü".encode()[:-1], "x.csv: is not text in UTF-8 (unexpected end of"),
    "noise": (bytes(range(128, 256)) * 8, "x.csv: is not text in UTF-8 (invalid start byte at byte 0); convert it"),
    "zeros": (b"\0" * 100, f"{CSV}it has NUL characters, as UTF-16 has; UTF-8 was expected; fix it"),
    "a NUL in a name": (b"filename,x\na\0b,1\n", "x.csv: "),
    # quotes
    "an open quote": ('filename,x\n"a,1\nb,2\n', f"{CSV}unexpected end of data; fix it"),
    "an open quote at the end": ('filename,x\na,1\n"', f"{CSV}unexpected end of data; fix it"),
    "an open quote in the header": ('"filename,x\na,1\n', f"{CSV}unexpected end of data; fix it"),
    "an open quote in the last value": (
        'filename,x\na,"1\n',
        f"{CSV}unexpected end of data; fix it",
    ),
    "a name of 200,000 letters": (f"filename,x\n{'a' * 200_000},1\n", f"{CSV}field larger than field limit (131072)"),
    # metadata
    "a chunk number with a fraction": (
        "x,chunk_nr\n1,0.5\n",
        "x.csv: chunk_nr is '0.5' in data row 1, expected an integer",
    ),
    "a chunk number that is text": (
        "x,chunk_nr\n1,first\n",
        "x.csv: chunk_nr is 'first' in data row 1, expected an integer",
    ),
    "an infinite chunk number": (
        "x,chunk_nr\n1,inf\n",
        "x.csv: chunk_nr is 'inf' in data row 1, expected an integer",
    ),
    "a chunk number of 1e30": (
        "x,chunk_nr\n1,1e30\n",
        "x.csv: chunk_nr is '1e30' in data row 1, expected an integer",
    ),
    "a chunk number of 2^64": (
        f"x,chunk_nr\n1,{2**64}\n",
        f"x.csv: chunk_nr is '{2**64}' in data row 1, expected an integer",
    ),
    "a chunk number of 400 digits": (f"x,chunk_nr\n1,{'9' * 400}\n", f"x.csv: chunk_nr is '{'9' * 60}' in data row 1"),
    "a label number with a fraction": (LABELLED + "a,dog,1.5,0\n", "x.csv: label_numeric is '1.5' in data row 1, exp"),
    "a label number that is text": (
        LABELLED + "a,dog,one,0\n",
        "x.csv: label_numeric is 'one' in data row 1, expected",
    ),
    "an infinite label number": (LABELLED + "a,dog,-inf,0\n", "x.csv: label_numeric is '-inf' in data row 1, expected"),
    "a label number of 1e30": (LABELLED + "a,dog,1e30,0\n", "x.csv: label_numeric is '1e30' in data row 1, expected a"),
    "a label with two numbers": (
        LABELLED + "a,dog,1,0\nb,dog,2,0\n",
        "x.csv: label_nominal 'dog' goes with label_numeric 1 and 2; each label needs one number of its own",
    ),
    "a number with two labels": (
        LABELLED + "a,dog,1,0\nb,cat,1,0\n",
        "x.csv: label_numeric 1 goes with label_nominal 'dog' and 'cat'; each label needs one number of its own",
    ),
    "a label without number": (
        LABELLED + "a,dog,1,0\nb,cat,,0\n",
        "x.csv: label 'cat' has no number, others have; give all or none",
    ),
    "an instance twice": ("filename,chunk_nr,x\na,0,1\na,0,1\n", "x.csv: a, chunk 0, is there twice (before: "),
    "a name of two lines twice": (
        'filename,chunk_nr,x\n"a\nb",0,1\n"a\nb",0,1\n',
        "x.csv: a\\nb, chunk 0, is there twice",
    ),
    "a name that colours the terminal": (
        "filename,chunk_nr,x\n\x1b[31m,0,1\n\x1b[31m,0,1\n",
        "x.csv: \\x1b[31m, chunk 0, is there twice",
    ),
}

HEAD = "@relation birds\n@attribute filename string\n@attribute x numeric\n"
TWO = "@relation birds\n@attribute x numeric\n@attribute y numeric\n@data\n"


def bad(reason: str) -> str:
    return f"{ARFF}{reason}"


ARFF_CASES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", bad("Invalid layout of the ARFF file, at line 0; fix it")),
    "line ends alone": ("\n\n", bad("Invalid layout of the ARFF file")),
    "comments alone": ("% birds\n% of all kinds\n", bad("Invalid layout of the ARFF file")),
    "prose": ("no arff at all", bad("Invalid layout of the ARFF file, at line 1; fix it")),
    "CSV": ("filename,x\na,1\n", bad("Invalid layout of the ARFF file, at line 2; fix it")),
    "no @relation": ("@attribute x numeric\n@data\n1\n", bad("Invalid layout of the ARFF file, at line 1; fix it")),
    "no @attribute": ("@relation x\n@data\n1\n", bad("Invalid layout of the ARFF file, at line 2; fix it")),
    "no @data": (HEAD, bad("Invalid layout of the ARFF file, at line 3; fix it")),
    "no @data, but data": (HEAD + "a,1\n", bad("Invalid layout of the ARFF file, at line 4; fix it")),
    "@data in front": ("@data\na,1\n" + HEAD, bad("Invalid layout of the ARFF file, at line 1; fix it")),
    "no instances": (HEAD + "@data\n", "x.arff: has no instances; at least one was expected"),
    "an unknown keyword": (
        "@relation x\n@column x numeric\n@data\n1\n",
        bad("Invalid layout of the ARFF file, at line 3"),
    ),
    "@relation twice": (
        "@relation x\n@relation y\n@attribute x real\n@data\n1\n",
        bad("Invalid layout of the ARFF file"),
    ),
    "@attribute after @data": (HEAD + "@data\n@attribute y real\na,1\n", bad("line 5 has 1 values, there are 2")),
    "an attribute without type": (
        "@relation x\n@attribute x\n@data\n1\n",
        bad("Bad @ATTRIBUTE format, at line 2; fix"),
    ),
    "a relation of two words": ("@relation a b\n@attribute x real\n@data\n1\n", bad("Bad @RELATION format, at line 1")),
    "an attribute twice": (
        "@relation x\n@attribute x real\n@attribute x real\n@data\n1,2\n",
        bad("Bad @ATTRIBUTE name x at line 3, this name is already in use in line 2; fix it"),
    ),
    "an unknown type": (
        "@relation x\n@attribute x complex\n@data\n1\n",
        bad("Bad @ATTRIBUTE type, at line 2; fix it"),
    ),
    "dates alone": ("@relation x\n@attribute x date yyyy\n@data\n1\n", "x.arff: has no columns of features; at least"),
    "a relational attribute": (
        "@relation x\n@attribute x relational\n@attribute y real\n@end x\n@data\n1\n",
        bad("Bad @ATTRIBUTE type, at line 2; fix it"),
    ),
    "a type in braces that do not close": (
        "@relation x\n@attribute x {a, b\n@data\na\n",
        bad("Bad @ATTRIBUTE type, at line 2; fix it"),
    ),
    "a nominal attribute without values": ("@relation x\n@attribute x {}\n@data\na\n", bad("")),
    "a value that is not declared": (
        "@relation x\n@attribute label_nominal {a, b}\n@attribute x real\n@data\nc,1\n",
        bad("attribute 'label_nominal' has c in data row 1 (line 5), which its declaration does not have; fix it"),
    ),
    "a nominal feature": (
        "@relation x\n@attribute x {a, b}\n@data\na\n",
        "x.arff: column 'x' has 'a' in data row 1, features are numbers; leave it out with ignore_column",
    ),
    "a text as feature": (
        "@relation x\n@attribute x string\n@data\nloud\n",
        "x.arff: column 'x' has 'loud' in data row 1, features are numbers; leave it out with ignore_column",
    ),
    "text among numbers": (HEAD + "@data\na,loud\n", bad("attribute 'x' has loud in data row 1 (line 5), a number")),
    "a formula among numbers": (HEAD + "@data\na,=1+1\n", bad("attribute 'x' has =1+1 in data row 1 (line 5), a")),
    "a decimal comma": (HEAD + "@data\na,1,5\n", bad("line 5 has 3 values, there are 2 attributes; fix it")),
    "a value less": (HEAD + "@data\na\n", bad("line 5 has 1 values, there are 2 attributes; fix it")),
    "a value more": (HEAD + "@data\na,1,2\n", bad("line 5 has 3 values, there are 2 attributes; fix it")),
    "a value less further down": (TWO + "1,2\n3\n", bad("line 6 has 1 values, there are 2 attributes; fix it")),
    "a value more, beside a percent sign": (
        HEAD + "@data\n100%,1,2\n",
        bad("line 5 has 3 values, there are 2 attributes"),
    ),
    "an open quote beside a percent sign": (HEAD + "@data\n'100%,1\n", bad("Invalid layout of the ARFF file")),
    "an open quote": (HEAD + "@data\n'a,1\n", bad('Invalid layout of the ARFF file. Error parsing "\'a,1"; fix it')),
    "an unknown escape": (HEAD + "@data\n'\\x',1\n", bad("Unsupported escape sequence: \\x; fix it")),
    "half a letter in an escape": (
        HEAD + "@data\n'\\ud800',1\n",
        "x.arff: column 'filename' has '\\ud800' in data row 1, with a NUL or an unpaired surrogate; replace it",
    ),
    "a NUL in an escape": (
        HEAD + "@data\n'a\\u0000b',1\n",
        "x.arff: column 'filename' has 'a\\x00b' in data row 1, with a NUL or an unpaired surrogate; replace it",
    ),
    "a NUL": (
        (HEAD + "@data\na\0b,1\n").encode(),
        "x.arff: column 'filename' has 'a\\x00b' in data row 1, with a NUL or an unpaired surrogate; replace it",
    ),
    "1e300": (
        HEAD + "@data\na,1e300\n",
        "x.arff: column 'x' has 1e+300 in data row 1, features are below 3.4e+38; scale",
    ),
    "cut in the header": (HEAD[:-10], bad("")),
    # sparse
    "a sparse index beyond the end": (TWO + "{2 1}\n", bad("Bad @DATA instance format: {2 1}; fix it")),
    "a sparse index of 10^15": (TWO + f"{{{10**15} 1}}\n", bad("Bad @DATA instance format: {")),
    "a sparse index of 5000 digits": (TWO + f"{{{'9' * 5000} 1}}\n", bad("")),
    "a sparse index below 0": (
        TWO + "{-1 1}\n",
        bad("Invalid layout of the ARFF file. Error parsing '{-1 1}'; fix it"),
    ),
    "a sparse index that is a name": (TWO + "{x 1}\n", bad("Invalid layout of the ARFF file. Error parsing '{x 1}'")),
    "a sparse row that does not close": (
        TWO + "{0 1\n",
        bad("Invalid layout of the ARFF file. Error parsing '{0 1'; fix"),
    ),
    "a sparse value that is text": (TWO + "{0 loud}\n", bad("Invalid numerical value")),
    "a sparse value that is missing": (
        TWO + "{0}\n",
        bad("Invalid layout of the ARFF file. Error parsing '{0}'; fix it"),
    ),
    "a dense row among sparse ones": (TWO + "{0 1}\n1,2\n", bad("Invalid layout of the ARFF file; fix it")),
    # encodings
    "UTF-16": ((HEAD + "@data\na,1\n").encode("utf-16"), "x.arff: is not text in UTF-8 (invalid start byte at byte 0)"),
    "UTF-16, little endian": ((HEAD + "@data\na,1\n").encode("utf-16-le"), bad("")),
    "UTF-32": ((HEAD + "@data\na,1\n").encode("utf-32"), "x.arff: is not text in UTF-8 (invalid start byte at byte 0)"),
    "Latin-1": ((HEAD + "@data\nGrün,1\n").encode("latin-1"), "x.arff: is not text in UTF-8 (invalid"),
    "noise": (bytes(range(128, 256)) * 8, "x.arff: is not text in UTF-8 (invalid start byte at byte 0); convert it"),
    "zeros": (b"\0" * 100, bad("Invalid layout of the ARFF file, at line 1; fix it")),
}

# files that are right each, and contradict each other
X = "filename,x\na,1\n"
LAYOUTS: dict[str, tuple[dict[str, str], str]] = {
    "no file": ({"y.csv": X}, "base: no x as .csv, .arff, .npy, .npz, .parquet, .arrow found, one file was"),
    "two formats": ({"x.csv": X, "x.arff": HEAD}, "base: x.csv and x.arff found, one file was expected"),
    "a missing fold": ({"fold_1/x.csv": X, "fold_3/x.csv": X}, "base: has no fold_2, but fold_3; complete the folds"),
    "no first fold": ({"fold_2/x.csv": X}, "base: has no fold_1, but fold_2; complete the folds"),
    "a billion folds": (
        {"fold_1/x.csv": X, "fold_999999999/x.csv": X},
        "base: has no fold_2, but fold_999999999; complete the folds",
    ),
    "10^30 folds": ({f"fold_{10**30}/x.csv": X}, f"base: has no fold_1, but fold_{10**30}; complete the folds"),
    "an empty fold": ({"fold_1/x.csv": X, "fold_2/y.csv": X}, "base/fold_2: no x as .csv, .arff, .npy"),
    "a file beside folds": ({"fold_1/x.csv": X, "x.csv": X}, "base: has x beside directories of folds; remove one or"),
    "a file beside partitions": ({"train/x.csv": X, "x.csv": X}, "base: has x.csv beside directories of partitions"),
    "folds beside partitions": (
        {"train/x.csv": X, "fold_1/x.csv": X},
        "base: has fold_1 beside directories of partitions",
    ),
    "an empty partition": (
        {"train/x.csv": X, "devel/y.csv": X},
        "base/devel: no x as .csv, .arff, .npy, .npz, .parquet, .arrow found, one file was",
    ),
    "folds in one partition": (
        {"train/x.csv": X, "test/fold_1/x.csv": X, "test/fold_2/x.csv": X},
        "base: partitions have different numbers of folds (train 1, test 2); complete them",
    ),
    "an instance in two partitions": (
        {"train/x.csv": X, "test/x.csv": X},
        "base/test/x.csv: a, chunk 0, is there twice (before: ",
    ),
    "other features in another fold": (
        {"fold_1/x.csv": X, "fold_2/x.csv": "filename,y\nb,1\n"},
        "base/fold_2/x.csv: has other features than ",
    ),
    "a feature more in another fold": (
        {"fold_1/x.csv": X, "fold_2/x.csv": "filename,x,y\nb,1,2\n"},
        "base/fold_2/x.csv: has other features than ",
    ),
    "other values in another fold": (
        {"fold_1/x.csv": X, "fold_2/x.csv": "filename,x\na,2\n"},
        "base/fold_2/x.csv: a, chunk 0, has other features (before: ",
    ),
    "another label in another fold": (
        {"fold_1/x.csv": LABELLED + "a,dog,0,1\n", "fold_2/x.csv": LABELLED + "a,cat,1,1\n"},
        "base/fold_2/x.csv: a, chunk 0, has another label_nominal (before: ",
    ),
    "another number of a label in another partition": (
        {"train/x.csv": LABELLED + "a,dog,0,1\n", "test/x.csv": LABELLED + "b,dog,1,1\n"},
        "base/test/x.csv: label_nominal 'dog' goes with label_numeric 0 and 1; each label needs one number of its own",
    ),
    "a bad file after a good one": (
        {"fold_1/x.csv": X, "fold_2/x.csv": "filename,x\nb,loud\n"},
        "base/fold_2/x.csv: column 'x' has 'loud' in data row 1, features are numbers",
    ),
    "a directory named as the file": (
        {"x.csv/y": X},
        "base: no x as .csv, .arff, .npy, .npz, .parquet, .arrow found, one file",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CSV_CASES.values(), ids=CSV_CASES)
def test_a_wrong_csv_file_is_refused(
    tmp_path: Path, refused: Callable[..., str], text: str | bytes, expected: str
) -> None:
    (tmp_path / "x.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    assert refused(import_, tmp_path, "x").startswith(f"{tmp_path}/{expected}")


@pytest.mark.parametrize(("text", "expected"), ARFF_CASES.values(), ids=ARFF_CASES)
def test_a_wrong_arff_file_is_refused(
    tmp_path: Path, refused: Callable[..., str], text: str | bytes, expected: str
) -> None:
    (tmp_path / "x.arff").write_bytes(text.encode() if isinstance(text, str) else text)
    assert refused(import_, tmp_path, "x").startswith(f"{tmp_path}/{expected}")


@pytest.mark.parametrize(("texts", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_files_that_contradict_each_other_are_refused(
    tmp_path: Path, refused: Callable[..., str], texts: dict[str, str], expected: str
) -> None:
    for name, text in texts.items():
        path = tmp_path / "base" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert refused(import_, tmp_path / "base", "x").startswith(f"{tmp_path}/{expected}")


def test_sparse_rows_that_stand_for_too_much_are_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    columns, rows = 2000, MAX_SPARSE_VALUES // 2000 + 1
    header = "@relation x\n" + "".join(f"@attribute x{index} real\n" for index in range(columns))
    (tmp_path / "x.arff").write_text(header + "@data\n" + "{}\n" * rows)
    expected = f"its sparse rows stand for {columns * rows} values, at most {MAX_SPARSE_VALUES} are read; fix it"
    assert refused(import_, tmp_path, "x") == f"{tmp_path}/{bad(expected)}"


# files that are strange, and can be read all the same


def columns_of(count: int, name: str) -> str:
    numbers = ",".join(map(str, range(count)))
    if name.endswith("csv"):
        return ",".join(f"x{index}" for index in range(count)) + f"\n{numbers}\n"
    return "@relation x\n" + "".join(f"@attribute x{index} real\n" for index in range(count)) + f"@data\n{numbers}\n"


@pytest.mark.parametrize("name", ["x.csv", "x.arff"])
def test_100_000_columns_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(columns_of(100_000, name))
    begin = time.monotonic()
    data_set = import_(tmp_path, "x")
    assert data_set.features[0].tolist() == list(range(100_000))
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize(
    "text",
    ["x\ninf\n-Infinity\nnan\n", "x\nInf\n-inf\n\n?\n", "x\r\ninf\r\n-inf\r\nNA\r\n", "\ufeffx\ninf\n-inf\nnull"],
)
def test_infinities_and_missing_numbers_are_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_bytes(text.encode())
    np.testing.assert_array_equal(import_(tmp_path, "x").features[:, 0], [np.inf, -np.inf, np.nan])


def test_fractions_of_an_integer_attribute_are_kept(tmp_path: Path) -> None:
    (tmp_path / "x.arff").write_text("@relation x\n@ATTRIBUTE x INTEGER\n@data\n1.5\n-2\n")
    assert import_(tmp_path, "x").features.tolist() == [[1.5], [-2]]
