# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of audeep that are compiled; where there is no compiler, audeep does without them. See pyproject.toml."""

import sys

from setuptools import Extension, setup

FLAGS = [] if sys.platform == "win32" else "-O3 -std=c11 -ffp-contract=fast -fno-math-errno -fno-trapping-math".split()

AUDIO, LAYERS = "audeep/audio", "audeep/models/layers"
HEADERS = [f"{AUDIO}/_spectra.h", f"{AUDIO}/_fourier.h"]

setup(
    ext_modules=[
        Extension(
            "audeep.audio._spectra",
            [f"{AUDIO}/_{name}.c" for name in ("spectra", "fourier_avx2", "fourier_avx512")],
            depends=HEADERS,
            extra_compile_args=FLAGS,
            optional=True,
        ),
        Extension("audeep.models.layers._kernels", [f"{LAYERS}/_kernels.c"], extra_compile_args=FLAGS, optional=True),
    ]
)
