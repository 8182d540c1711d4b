# SPDX-License-Identifier: GPL-3.0-or-later
"""Types as a type checker shows them to who uses the package, whose own are checked by run.sh."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import audeep
from tests.support.stubs import PATH, stub

ROOT = Path(__file__).parents[1]
PACKAGES = Path(audeep.__file__).parents[1]

GOOD = """
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audeep import DataSet, FeatureExtractor, FrequencyAutoencoder, MaskedFramesAutoencoder, Spectrogram
from audeep import TimeAutoencoder, evaluate, export, generate, load, preprocess, train
from audeep.estimators import estimator

spectrograms: NDArray[np.float32] | list[NDArray[np.float32]]
spectrograms = Spectrogram(mel_spectrum=8, channels="LEFT").fit(["a.wav"]).transform(["a.wav"])
model = TimeAutoencoder(num_units=3, cell="LSTM", crop_frames=9, random_state=None).fit(spectrograms)
vectors: NDArray[np.float32] = model.transform([np.zeros((5, 8))])
again: TimeAutoencoder = TimeAutoencoder.load(Path("run"), step="best")
again.save("folder")
frames: NDArray[np.float32] | list[NDArray[np.float32]] = FrequencyAutoencoder().fit("a.nc").transform("a.nc")
masked: MaskedFramesAutoencoder = MaskedFramesAutoencoder(validation_partition=["DEVEL"]).fit(load("a.nc"))
other = estimator("t-rae")(num_units=3)
data_set: DataSet = load("a.nc")
generate("run/logs", data_set, [Path("out.nc")], steps=["best"], pooled=True)
extractor = FeatureExtractor(Path("run/logs"), "best", pooled=True)
features: NDArray[np.float32] = extractor.of_recording(Path("a.wav"))
starts: list[float] = [start for part in extractor.of_windows("-", 2.0, 1.0) for start in part.starts]
size: int = extractor.size
"""

BAD = """
from pathlib import Path

from audeep import FeatureExtractor, MaskedFramesAutoencoder, Spectrogram, TimeAutoencoder, generate, load

TimeAutoencoder(num_unitz=3)  # E: Unexpected keyword argument "num_unitz" for "TimeAutoencoder"
TimeAutoencoder(num_units="3")  # E: Argument "num_units" to "TimeAutoencoder" has incompatible type "str"
TimeAutoencoder(cell="RNN")  # E: Argument "cell" to "TimeAutoencoder" has incompatible type "Literal['RNN']"
MaskedFramesAutoencoder(bidirectional_decoder=True)  # E: Unexpected keyword argument "bidirectional_decoder"
Spectrogram(channels="left")  # E: Argument "channels" to "Spectrogram" has incompatible type "Literal['left']"
name: str = TimeAutoencoder().fit("a.nc").transform("a.nc")  # E: Incompatible types in assignment
step: int = FeatureExtractor(Path("logs")).of_recording(Path("a.wav"))  # E: Incompatible types in assignment
FeatureExtractor(3)  # E: Argument 1 to "FeatureExtractor" has incompatible type "int"
generate(Path("logs"), load("a.nc"), Path("out.nc"))  # E: Argument 3 to "generate" has incompatible type "Path"
load("a.nc").labels["low"].upper()  # E: "int" has no attribute "upper"
"""


def mypy(*arguments: str) -> list[str]:
    """The errors that mypy finds."""
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", "--no-pretty", *arguments],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": "" if PACKAGES.name == "site-packages" else str(PACKAGES)},
        capture_output=True,
        text=True,
    )
    assert run.stderr == "" and run.returncode in (0, 1), run.stderr + run.stdout
    return [line for line in run.stdout.splitlines() if " error: " in line]


@pytest.mark.slow
def test_users_are_told_of_wrong_types_and_of_no_others(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "bad.py").write_text(BAD)
    options = ("--strict", "--follow-imports=silent", "--config-file=", "--cache-dir=.mypy_cache/users")
    errors = mypy(*options, str(tmp_path / "good.py"), str(tmp_path / "bad.py"))
    found = dict(re.fullmatch(r".*/(\w+\.py:\d+): error: (.*)", line).groups() for line in errors)
    expected = {
        f"bad.py:{number}": line.split("# E: ")[1] for number, line in enumerate(BAD.splitlines(), 1) if "# E: " in line
    }
    assert found.keys() == expected.keys()
    for place, text in expected.items():
        assert text in found[place]


def test_the_types_of_estimators_are_those_of_today() -> None:
    assert PATH.read_text(encoding="utf-8") == stub(), "run python -m tests.support.stubs"
