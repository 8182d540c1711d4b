# SPDX-License-Identifier: GPL-3.0-or-later
"""Baseline features that ignore the order of sounds: the mean of each frequency band over time.

    python band_statistics.py SPECTROGRAMS.nc FEATURES.nc

Prints the accuracy of always choosing the most frequent class, in percent.
"""

import sys

import numpy as np

from audeep import load


def main() -> None:
    data_set = load(sys.argv[1])
    mean_spectra = data_set.features.mean(axis=data_set.feature_dims.index("time") + 1)
    data_set.with_features(mean_spectra, ["generated"]).save(sys.argv[2])
    _, counts = np.unique(data_set.labels_numeric, return_counts=True)
    print(f"{100 * counts.max() / counts.sum():.1f}")


if __name__ == "__main__":
    main()
