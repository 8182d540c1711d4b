# SPDX-License-Identifier: GPL-3.0-or-later
"""100,000 instances through split, upsample, export and validate against NumPy or pandas doing the bare work."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from timing import alternate, report

from audeep.data.data_set import DataSet, empty
from audeep.data.exchange.exporting import export
from audeep.data.integrity import validate
from audeep.data.schema import Split
from audeep.data.upsample import upsample

INSTANCES, FEATURES, CHUNKS, CLASSES, FOLDS = 100_000, 32, 4, 10, 5


def make() -> DataSet:
    generator = np.random.default_rng(0)
    files = np.arange(INSTANCES) // CHUNKS
    labels = generator.choice(CLASSES, files.max() + 1, p=np.arange(1, CLASSES + 1) / 55)[files]
    data_set = empty(INSTANCES, [("generated", FEATURES)], FOLDS, {f"class {n}": n for n in range(CLASSES)})
    data_set.filenames[:] = [f"recording {number:06d}.wav" for number in files]
    data_set.chunk_nrs[:] = np.arange(INSTANCES) % CHUNKS
    data_set.labels_numeric[:] = labels
    data_set.labels_nominal[:] = [f"class {label}" for label in labels]
    data_set.cv_folds[:] = (files[:, None] % FOLDS) == np.arange(FOLDS)
    return data_set.with_features(generator.standard_normal((INSTANCES, FEATURES)).astype(np.float32), ["generated"])


def main() -> None:
    data_set = make()
    columns = {**data_set.metadata, "features": data_set.features}
    frame = pd.DataFrame({name: column for name, column in columns.items() if column.ndim == 1})
    vectors = pd.DataFrame(data_set.features, columns=[f"feature_{index}" for index in range(FEATURES)])
    fold_codes = pd.factorize(np.array([row.tobytes() for row in data_set.cv_folds], dtype=object))[0]

    def bare_split() -> None:
        rows = np.flatnonzero(columns["cv_folds"][:, 0] == 0)
        {name: column[rows] for name, column in columns.items()}

    def bare_upsample() -> None:
        _, classes, counts = np.unique(columns["label_numeric"], return_inverse=True, return_counts=True)
        times = (counts.max() // counts)[classes]
        rows = np.repeat(np.arange(INSTANCES), times)
        copies = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
        taken = {name: column[rows] for name, column in columns.items()}
        [f"{name}.upsampled.{copy}" if copy else name for name, copy in zip(taken["filename"], copies, strict=True)]

    def bare_export(path: Path) -> None:
        order = ["filename", "chunk_nr", "label_nominal", "label_numeric"]
        for fold in range(FOLDS):
            rows = columns["cv_folds"][:, fold] == 1
            pd.concat([frame[order], vectors], axis=1)[rows].to_csv(path, index=False)

    def bare_validate() -> None:
        by_file = frame.assign(fold=fold_codes).groupby("filename", sort=False)
        by_file[["label_nominal", "label_numeric", "fold", "partition"]].nunique(dropna=False)
        by_file.size()
        frame.sort_values(["filename", "chunk_nr"])
        frame["label_nominal"].map(data_set.label_map)

    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        pairs = {
            "split": (lambda: data_set.split(0, Split.TRAIN).features, bare_split),
            "upsample": (lambda: upsample(data_set).features, bare_upsample),
            "export": (lambda: export(data_set, path, "x", "csv"), lambda: bare_export(path / "bare.csv")),
            "validate": (lambda: validate(data_set), bare_validate),
        }
        for name, (ours, bare) in pairs.items():
            print(name)
            seconds = alternate(5, audeep=ours, bare=bare)
            ratio = seconds["audeep"] / seconds["bare"]
            report(f"{name}, times the time of the bare work", ratio, "at most 3")
            worst = max(worst, ratio)
    report("worst of them", worst, "at most 3")


if __name__ == "__main__":
    main()
