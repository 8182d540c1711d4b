# SPDX-License-Identifier: GPL-3.0-or-later
"""The one part of audeep that is compiled; where there is no compiler, audeep does without it. See pyproject.toml."""

import sys

from setuptools import Extension, setup

FLAGS = [] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fno-trapping-math", "-std=c11"]

setup(
    ext_modules=[
        Extension("audeep.models._kernels", ["audeep/models/_kernels.c"], extra_compile_args=FLAGS, optional=True)
    ]
)
