# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of audeep that are compiled; where there is no compiler, audeep does without them. See pyproject.toml."""

import sys

from setuptools import Extension, setup

FLAGS = [] if sys.platform == "win32" else "-O3 -std=c11 -ffp-contract=fast -fno-math-errno -fno-trapping-math".split()


def extension(folder: str, name: str, others: list[str], headers: list[str]) -> Extension:
    sources = [f"{folder}/_{each}.c" for each in (name, *others)]
    depends = [f"{folder}/_{each}.h" for each in headers]
    return Extension(
        f"{folder.replace('/', '.')}._{name}", sources, depends=depends, extra_compile_args=FLAGS, optional=True
    )


setup(
    ext_modules=[
        extension("audeep/audio", "spectra", ["fourier_avx2", "fourier_avx512"], ["spectra", "fourier"]),
        extension("audeep/models/layers", "kernels", ["gru_avx2", "gru_avx512"], ["gru_jobs", "gru"]),
    ]
)
