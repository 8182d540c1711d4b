# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of the estimators, which are made when a program runs, for type checkers and editors.

    python -m tests.support.stubs

writes `audeep/estimators/__init__.pyi`.
"""

import inspect
import re
from pathlib import Path

from audeep import estimators
from audeep.estimators import Spectrogram, estimator
from audeep.models.registry import MODELS

PATH = Path(estimators.__file__).with_suffix(".pyi")

HEAD = """\
# SPDX-License-Identifier: GPL-3.0-or-later

# written by: python -m tests.support.stubs

"""
IMPORTS = """\
from collections.abc import Sequence
from typing import Literal

from numpy.random import RandomState

from audeep.audio.front_ends.base import FrontEnd
from audeep.data.schema import Partition
from audeep.estimators.models import FrameEstimator, TaggerEstimator, VectorEstimator
from audeep.estimators.models import estimator as estimator
from audeep.estimators.spectrogram import Spectrogram as SpectrogramBase
from audeep.training.options import WarmStart

"""


def stub() -> str:
    """The text of the file."""
    kinds = [estimator(name) for name in MODELS.built_in]
    classes = [_class(Spectrogram, "SpectrogramBase"), *(_class(kind, kind.__mro__[1].__name__) for kind in kinds)]
    imports = IMPORTS if "(TaggerEstimator)" in "".join(classes) else IMPORTS.replace(" TaggerEstimator,", "")
    return HEAD + imports + "\n".join(classes)


def _class(cls: type, base: str) -> str:
    lines = [f"class {cls.__name__}({base}):", "    def __init__(", "        self,", "        *,"]
    for parameter in inspect.signature(cls).parameters.values():
        annotation = re.sub(r"\b(\w+\.)+(?=\w)", "", inspect.formatannotation(parameter.annotation))
        lines.append(f"        {parameter.name}: {annotation} = {parameter.default!r},".replace("'", '"'))
    return "\n".join([*lines, "    ) -> None: ...", ""])


if __name__ == "__main__":
    PATH.write_text(stub(), encoding="utf-8")
