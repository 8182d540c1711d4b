# SPDX-License-Identifier: GPL-3.0-or-later
"""Short trainings of all kinds, for one process or several: ``python -m tests.support.trainings DIR [NAME ...]``."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audeep.models.registry import model_type_of
from audeep.runtime.constants import SILENCE
from audeep.training.options import options_type_of
from audeep.training.trainer import train
from tests.support.spectrograms import sweeps
from tests.support.warm import Warm

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Training:
    """What is trained, on what, and how."""

    kind: str
    shape: tuple[int, int]
    lengths: Sequence[int] | None
    config: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    is_tagger: bool = False

    def run(self, directory: Path, num_epochs: int = 2, resume: bool = False) -> None:
        """9 instances in batches of 4, the last of which has one, and 3 to validate on."""
        steps, bands = self.shape
        data_set = sweeps(12, steps, bands, lengths=self.lengths)
        noise = np.random.default_rng(1).uniform(-1, 1, data_set.features.shape)  # sweeps are too alike to normalise
        data_set.features[:] = np.where(data_set.features == SILENCE, SILENCE, noise)
        options = {"batch_size": 4, "num_epochs": num_epochs, "validation_partition": (2,), "device": "cpu"}
        make = options_type_of(model_type_of(self.kind))
        data_set.data["partition"] = "instance", np.where(np.arange(12) < 9, 0.0, 2.0)
        train([data_set], self.kind, directory, self.config, make(**{**options, **self.options}), resume=resume)


SMALL = {"num_units": 5, "keep_prob": 1.0, "encoder_noise": 0.0, "feed_previous_prob": 0.0}
UNEVEN = [9, 6, 7]
AUTOENCODERS = {
    "t-rae": Training("t-rae", (9, 4), UNEVEN, {**SMALL, "bidirectional_decoder": True, "mask_silence": True}),
    "f-rae": Training(
        "f-rae", (9, 8), UNEVEN, {**SMALL, "freq_window_width": 4, "freq_window_overlap": 2}, {"crop_frames": 5}
    ),
    "ft-rae": Training(
        "ft-rae",
        (9, 8),
        UNEVEN,
        {
            **{"freq_window_width": 4, "freq_window_overlap": 2, "num_f_units": 3, "num_t_units": 5},
            **{"keep_prob": 1.0, "f_encoder_noise": 0.0, "t_encoder_noise": 0.0},
            **{"f_feed_previous_prob": 0.0, "t_feed_previous_prob": 0.0},
        },
    ),
    "masked-frames": Training("masked-frames", (9, 4), None, {"num_units": 5, "keep_prob": 1.0, "masked_frames": 0.0}),
}
TAGGERS = {
    "vgg-gap": Training(
        *("vgg-gap", (200, 47), [200, 193]), {"width": 2, "keep_prob": 1.0, "top_keep_prob": 1.0}, is_tagger=True
    ),
    "mobilenet-v1": Training(
        *("mobilenet-v1", (32, 16), [32, 20, 27], {"width": 0.1}),
        {"mixup": 0.3, "batch_size": 5},
        is_tagger=True,
    ),
    "conv1d": Training(
        *("conv1d", (1800, 1), [1800, 1700]), {"width": 1, "keep_prob": 1.0, "top_keep_prob": 1.0}, is_tagger=True
    ),
    "mfcc-cnn": Training("mfcc-cnn", (32, 32), None, {"width": 3}, is_tagger=True),
}
CONVOLUTIONS = {"channels": "4,6", "head_units": 8, "vector_size": 5}
CONTRASTIVE = {
    "contrastive": Training("contrastive", (9, 8), UNEVEN, CONVOLUTIONS, {"crop_frames": 6}),
    "nt-xent": Training("contrastive", (9, 8), UNEVEN, {**CONVOLUTIONS, "loss": "nt-xent"}, {"crop_frames": 6}),
}
RANDOM = {"num_units": 5, "keep_prob": 0.8, "encoder_noise": 0.2, "feed_previous_prob": 0.5, "masked_frames": 0.2}
TRAININGS = {**AUTOENCODERS, **CONTRASTIVE, **TAGGERS, "random": Training("t-rae", (9, 4), UNEVEN, RANDOM)}


def start(warm: Warm, *arguments: object, count: int = 2) -> list[subprocess.Popen[str]]:
    """Processes of `python -m` with these arguments, each on one thread: what torchrun would start."""
    environment = _environment()
    environment |= {"TORCHELASTIC_RUN_ID": "test", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port()}
    environment |= dict.fromkeys(("WORLD_SIZE", "LOCAL_WORLD_SIZE"), str(count))
    ranks = [dict.fromkeys(("RANK", "LOCAL_RANK"), str(rank)) for rank in range(count)]
    return [_start([str(warm.module), *map(str, arguments)], environment | rank) for rank in ranks]


def start_by_torchrun(*arguments: object, count: int = 2) -> subprocess.Popen[str]:
    """torchrun, which starts so many processes of `python -m` with these arguments."""
    launcher = ["-m", "torch.distributed.run", f"--nproc-per-node={count}", "--master-port", _free_port(), "-m"]
    return _start([sys.executable, *launcher, *map(str, arguments)], _environment())


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)


def finish(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Exit status and what was written to both streams, of each."""
    outputs = [process.communicate() for process in processes]
    return [(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]


def main() -> None:
    """Run all, or those that are named."""
    directory, *names = sys.argv[1:]
    for name in names or TRAININGS:
        TRAININGS[name].run(Path(directory) / name)


if __name__ == "__main__":
    main()
