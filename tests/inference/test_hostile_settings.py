# SPDX-License-Identifier: GPL-3.0-or-later
"""Models that say of their spectrograms what would take all memory, or is of another type: one line, at once."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audeep.cli.app import main
from tests.conftest import with_header

MEMORY = 4 * 2**30  # of addresses, of which the libraries take half
RUN = f"""
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
import torch
from audeep.errors import AudeepError
from audeep.inference import hear
from audeep.inference.features import FeatureExtractor
recording, *models = sys.argv[1:]
found = []
for path in models:
    for embed in (
        lambda: FeatureExtractor(path.rpartition("/")[0]).of_recording(recording),
        lambda: hear.get_scene_embeddings(torch.zeros(1, 8000), hear.load_model(path)),
    ):
        try:
            embed()
            found.append(None)
        except AudeepError as error:
            found.append(str(error))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model, and a recording beside it."""
    root = tmp_path_factory.mktemp("hostile")
    (root / "base").mkdir()
    for name in "ab":
        samples = np.random.default_rng(ord(name)).uniform(-0.5, 0.5, 16000)
        soundfile.write(root / "base" / f"{name}.wav", samples, 16000)
    given = "--parser no-metadata --front-end mel --sample-rate 16000 --mel-spectrum 8 --jobs 1"
    assert main(["-q", "preprocess", "--basedir", f"{root}/base", "--output", f"{root}/s.nc", *given.split()]) == 0
    assert main(f"-q t-rae train --input {root}/s.nc --run-name {root}/run --num-epochs 1 --num-units 2".split()) == 0
    return root


HOSTILE = {
    "bands": ({"mel_spectrum": 10**7}, "mel_spectrum=10000000: expected an integer"),
    "bands within the limit": ({"mel_spectrum": 2**16}, "trained on frames of 65536 values, but reads 8"),
    "length": ({"fixed_length": 1e7}, "would have 160000000000 samples when padded to one length"),
    "rate": ({"sample_rate": 10**12}, "sample_rate=1000000000000: expected"),
    "type of a flag": ({"center_fixed": "no"}, "center_fixed='no': expected True or False"),
    "type of a number": ({"window_width": "0.04"}, "window_width='0.04': expected a number"),
    "list": ({"mel_spectrum": [8]}, "mel_spectrum=[8]: expected an integer"),
    "front end": ({"front_end": "nonsense"}, "nonsense"),
    "front end of a type": ({"front_end": 7}, "front_end"),
    "unknown": ({"no_such_thing": 1}, "no_such_thing: is unknown"),
}


@pytest.fixture(scope="module")
def refusals(run: Path) -> dict[str, list[str | None]]:
    """What embedding a recording, and a signal by HEAR, says of each of these models; None where it works."""
    models = []
    for number, (settings, _) in enumerate(HOSTILE.values()):
        logs = with_header(
            run / "run/logs",
            run / f"hostile-{number}",
            lambda header, settings=settings: {**header, "preprocessing": {**header["preprocessing"], **settings}},
        )
        models += map(str, logs.glob("model-*[0-9].safetensors"))
    assert len(models) == len(HOSTILE)
    command = [sys.executable, "-c", RUN, str(run / "base/a.wav"), *models]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    answers = json.loads(found.stdout)
    return dict(zip(HOSTILE, zip(answers[::2], answers[1::2], strict=True), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_settings_that_declare_too_much_take_no_memory(refusals: dict[str, list[str | None]], name: str) -> None:
    _, message = HOSTILE[name]
    for answer in refusals[name]:
        assert answer is not None and message in answer and "\n" not in answer
