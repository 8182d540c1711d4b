# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of audeep that are compiled; where there is no compiler, audeep does without them. See pyproject.toml."""

import sys

from setuptools import Extension, setup

FLAGS = [] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fno-trapping-math", "-std=c11"]

setup(
    ext_modules=[
        Extension(name, [f"{name.replace('.', '/')}.c"], extra_compile_args=FLAGS, optional=True)
        for name in ("audeep.audio._spectra", "audeep.models.layers._kernels")
    ]
)
