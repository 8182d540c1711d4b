# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of model on a GPU: against the CPU, in less precision, resumed on the other device, and how fast.

    benchmarks/gpu.sh [--device cuda]

Ends with status 1 if a result is not that of the CPU, or not the same when it is made again. On the CPU itself nothing
is timed. What is timed rounds to TF32 as PyTorch does by default, on both sides.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from networks import (
    BANDS,
    STEPS,
    PlainFrequencyAutoencoder,
    PlainTimeAutoencoder,
    f_rae,
    ft_rae,
    stack,
    training_step,
    tutorial,
)
from tagger_step import bare_convolutions
from tagger_step import training_step as tagger_step
from timing import Linear, floor_of
from torch import nn

from audeep.data.data_set import DataSet, empty
from audeep.inference.embedder import Embedder
from audeep.models.base import Batch, Network
from audeep.models.checkpoints import Progress, save_model
from audeep.models.contrastive import Contrastive, ContrastiveConfig
from audeep.models.curve import read_curve
from audeep.models.devices import applying, repeatable
from audeep.models.layers.draws import drawing_from
from audeep.models.registry import model_type_of
from audeep.models.vgg_gap import VggGap, VggGapConfig
from audeep.training.objectives import LearnsBeside, objective_of
from audeep.training.options import options_type_of
from audeep.training.trainer import train

SECONDS_A_ROW = 2.0
BATCHES = 64, 1024
EPOCHS = 4  # of two steps each, of which the last ones are done by CUDA graphs
COUNT, LABELS = 24, ["a", "b"]


@dataclass(frozen=True)
class Kind:
    """A small model, without anything drawn at random."""

    shape: tuple[int, int]
    config: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)


QUIET = {"keep_prob": 1.0}
RECURRENT = {**QUIET, "num_units": 16, "encoder_noise": 0.0}
KINDS = {
    "t-rae": Kind((20, 16), {**RECURRENT, "num_layers": 2, "feed_previous_prob": 0.0, "bidirectional_decoder": True}),
    "f-rae": Kind((10, 16), {**RECURRENT, "feed_previous_prob": 0.0, "freq_window_width": 8, "freq_window_overlap": 4}),
    "ft-rae": Kind(
        (10, 16),
        {
            **{**QUIET, "freq_window_width": 8, "freq_window_overlap": 4, "num_f_units": 8, "num_t_units": 16},
            **{
                "f_encoder_noise": 0.0,
                "t_encoder_noise": 0.0,
                "f_feed_previous_prob": 0.0,
                "t_feed_previous_prob": 0.0,
            },
        },
    ),
    "masked-frames": Kind((20, 16), {**RECURRENT, "masked_frames": 0.0}),
    "contrastive": Kind((20, 16), {"channels": "8,16"}, {"crop_frames": 20}),
    "vgg-gap": Kind((200, 47), {**QUIET, "width": 4, "top_keep_prob": 1.0}),
    "mobilenet-v1": Kind((40, 32), {"width": 0.25}),
    "conv1d": Kind((1700, 1), {**QUIET, "width": 4, "top_keep_prob": 1.0}),
    "mfcc-cnn": Kind((32, 32), {"width": 8}),
}


class Judge:
    """Counts what is not as expected."""

    def __init__(self) -> None:
        self.failures = 0

    def same(self, what: str, found: bytes, expected: bytes) -> None:
        """Print whether bytes are the same."""
        is_same = found == expected and len(found) > 0
        self.failures += not is_same
        print(f"{'ok  ' if is_same else 'FAIL'} {what}", flush=True)

    def close(self, what: str, found: Any, expected: Any, tolerance: float) -> None:
        """Print by how much values differ, as a share of the largest."""
        given, wanted = (
            np.asarray(torch.as_tensor(each).detach().cpu(), dtype=np.float64) for each in (found, expected)
        )
        off = float(np.abs(given - wanted).max() / max(np.abs(wanted).max(), 1e-6))
        is_close = off <= tolerance  # not so where it is NaN
        self.failures += not is_close
        print(f"{'ok  ' if is_close else 'FAIL'} {what:<58} {off:.1e} (at most {tolerance:.0e})", flush=True)


def data_of(shape: tuple[int, int]) -> DataSet:
    """Noise with labels."""
    generator = np.random.default_rng(0)
    data_set = empty(COUNT, [("time", shape[0]), ("freq", shape[1])], label_map={"a": 0, "b": 1})
    for index in range(COUNT):
        instance = data_set[index]
        instance.filename, instance.chunk_nr = f"{index}.wav", 0
        instance.label_nominal, instance.label_numeric = LABELS[index % 2], index % 2
        instance.partition = 2 if index % 3 == 0 else 0
        instance.features = generator.uniform(-1, 1, shape)
    return data_set


def results_of(name: str, kind: Kind, device: torch.device) -> dict[str, torch.Tensor]:
    """Embedding, loss and gradients of one batch on a device, from the same weights."""
    model_type = model_type_of(name)
    config = kind.config | ({"num_labels": 2} if model_type.family == "tagger" else {})
    with drawing_from(0):
        model = model_type(model_type.config_type(*kind.shape, **config)).to(device)
    generator = torch.Generator().manual_seed(0)
    frames = (torch.rand(8, *kind.shape, generator=generator) * 2 - 1).to(device)
    targets = torch.arange(8, device=device) % 2
    with applying():
        embedded = model.eval().embed(frames)
    objective = objective_of(model.train())
    if isinstance(objective, LearnsBeside):
        with drawing_from(1):
            beside = objective.learned_beside(8)
        targets = torch.arange(8, device=device)
        if beside is not None:
            beside.to(device)
    with repeatable(exact=True):
        loss = objective.loss(Batch(frames, None, targets if model_type.family != "autoencoder" else None))
        loss.backward()
    gradients = [each.grad.flatten() for each in model.parameters() if each.grad is not None]
    return {"embedding": embedded, "loss": loss, "gradient": torch.cat(gradients)}


def curve_of(name: str, kind: Kind, logs: Path, device: str, **given: Any) -> np.ndarray:
    """Losses [epoch, training and validation] of a short training."""
    resume = given.pop("resume", False)
    options = {
        "batch_size": 8,
        "num_epochs": 1,
        "device": device,
        "validation_partition": (2,),
        **kind.options,
        **given,
    }
    data_set, make = data_of(kind.shape), options_type_of(model_type_of(name))
    train([data_set], name, logs, kind.config, make(**options), resume=resume)
    return np.array([[point.loss, point.validation_loss] for point in read_curve(logs / "logs", 10**6)])


def models_in(run: Path) -> bytes:
    """All models of a run, one after the other."""
    return b"".join(path.read_bytes() for path in sorted((run / "logs").glob("model-*[0-9].safetensors")))


@contextmanager
def set_in_environment(name: str, value: str) -> Iterator[None]:
    """Set a variable for a while."""
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def check(judge: Judge, device: str, folder: Path) -> None:
    """Everything that has to be as on the CPU."""
    for name, kind in KINDS.items():
        expected = results_of(name, kind, torch.device("cpu"))
        for what, found in results_of(name, kind, torch.device(device)).items():
            judge.close(f"{name}, {what}", found, expected[what], 5e-3 if what == "gradient" else 1e-4)
        of_cpu = curve_of(name, kind, folder / f"{name}-cpu", "cpu", num_epochs=EPOCHS)
        with repeatable(exact=True):
            found = curve_of(name, kind, folder / f"{name}-exact", device, num_epochs=EPOCHS)
        # the first steps of Adam have the sign of a gradient, whatever rounding has made of a small one
        judge.close(f"{name}, two epochs in float32", found[:2], of_cpu[:2], 0.1)
        curve_of(name, kind, folder / name, device, num_epochs=EPOCHS)
        curve_of(name, kind, folder / f"{name}-again", device, num_epochs=EPOCHS)
        with set_in_environment("AUDEEP_PLAIN_STEPS", "1"):
            curve_of(name, kind, folder / f"{name}-plain", device, num_epochs=EPOCHS)
        for other in ("again", "plain"):
            judge.same(
                f"{name}, bytes of models, {other}", *map(models_in, (folder / name, folder / f"{name}-{other}"))
            )
        for precision in ("bfloat16", "float16"):
            found = curve_of(name, kind, folder / f"{name}-{precision}", device, precision=precision)
            judge.close(f"{name}, an epoch in {precision}", found[:1], of_cpu[:1], 0.2)
    kind = KINDS["t-rae"]
    for number, (first, then) in enumerate((("cpu", device), (device, "cpu"))):
        run, whole = folder / f"resumed-{number}", folder / f"whole-{number}"
        curve_of("t-rae", kind, run, first)
        found = curve_of("t-rae", kind, run, then, num_epochs=2, resume=True)
        expected = curve_of("t-rae", kind, whole, first, num_epochs=2)
        judge.close(f"t-rae, begun on {first}, resumed on {then}", found, expected, 1e-3)


def milliseconds(thing: Callable[[], object]) -> float:
    """The median of as many runs as a row has time for, after three that do not count."""
    found, end = list[float](), time.monotonic() + SECONDS_A_ROW
    for turn in range(100):
        start = time.perf_counter()
        thing()
        torch.cuda.synchronize()
        if turn > 2:
            found.append(1000 * (time.perf_counter() - start))
        if len(found) > 2 and time.monotonic() > end:
            break
    return float(np.median(found))


def row(what: str, ours: Callable[[], object], floor: Callable[[], object], of_floor: str, target: str = "") -> None:
    """Print times of both sides, and the share of the other's speed."""
    one, other = milliseconds(ours), milliseconds(floor)
    print(f"{what:<44} {one:9.2f} ms, {of_floor} {other:9.2f} ms: {other / one:.2f} of their speed{target}", flush=True)


def time_steps(batch: int) -> None:
    """Training steps of each kind."""
    for name, make in {
        "t-rae": lambda: tutorial(batch=batch),
        "t-rae, half autoregressive": lambda: tutorial(autoregressive=True, batch=batch),
        "t-rae of LSTM cells": lambda: tutorial("LSTM", batch=batch),
        "f-rae": lambda: f_rae(batch=batch),
        "ft-rae": lambda: ft_rae(batch=batch),
    }.items():
        try:
            model, products = make()
            row(f"{name}, step of {batch}", training_step(model, batch), floor_of(products), "products")
        except torch.cuda.OutOfMemoryError:
            print(f"{name}, step of {batch}: does not fit into memory", flush=True)
        torch.cuda.empty_cache()
    for name, model, plain in (
        ("t-rae", tutorial(batch=batch)[0], PlainTimeAutoencoder()),
        ("f-rae", f_rae(batch=batch)[0], PlainFrequencyAutoencoder()),
    ):
        other = training_step(plain, batch, is_recorded=False)
        row(f"{name}, step of {batch}", training_step(model, batch), other, "torch.nn.GRU", " (0.60)")
        torch.cuda.empty_cache()
    for name, model, size in (
        ("vgg-gap", VggGap(VggGapConfig(384, BANDS, 41)), batch // 8),
        ("contrastive", Contrastive(ContrastiveConfig(96, 64)), batch),
    ):
        frames = torch.rand(size, *model.config.input_shape) * 2 - 1
        bare = bare_convolutions(model.train(), frames)
        row(f"{name}, step of {size}", tagger_step(model, frames), bare, "convolutions", " (0.60)")


def time_epochs(folder: Path) -> None:
    """Epochs of a training, whose data are on the device, and the same steps alone."""
    data_set, generator = empty(640, [("time", STEPS), ("freq", BANDS)]), np.random.default_rng(0)
    for index in range(640):
        instance = data_set[index]
        instance.filename, instance.chunk_nr = f"{index}.wav", 0
        instance.features = generator.uniform(-1, 1, (STEPS, BANDS))
    times = list[float]()
    with torch.device("cpu"):
        options = options_type_of(model_type_of("t-rae"))(num_epochs=6, checkpoints_to_keep=1)
        config = {"num_layers": 2, "num_units": 256, "bidirectional_decoder": True}
        train(
            [data_set],
            "t-rae",
            folder / "epochs",
            config,
            options,
            after_epoch=lambda _: times.append(time.monotonic()),
        )
    epoch = float(np.median(np.diff(times))) / 10 * 1000
    alone = milliseconds(training_step(tutorial()[0]))
    print(
        f"t-rae, epochs of 10 steps of 64 within train, checkpoint included: {epoch:.2f} ms a step, alone {alone:.2f}"
    )


def time_generate() -> None:
    """Features of spectrograms that are on the device."""
    for batch in BATCHES:
        model = tutorial()[0].eval()
        spectrograms = torch.rand(batch, STEPS, BANDS) * 2 - 1
        products = [*stack(STEPS, batch, BANDS, 256, 2, 1), Linear(batch, 512, 1024)]
        embed = applying()(lambda m=model, s=spectrograms: m.embed(s))
        row(f"t-rae generate, {batch}", embed, floor_of(products, is_trained=False), "products")


def time_extract(folder: Path) -> None:
    """Along a recording of four minutes."""
    import soundfile

    from audeep.audio.front_ends.mel import Preprocessor
    from audeep.inference.features import FeatureExtractor

    preprocessor, rate = Preprocessor(0.08, 0.04, BANDS, clip_below=-60), 44100
    (folder / "extract").mkdir()
    with torch.device("cpu"):
        model: Network | nn.Module = tutorial()[0]
        save_model(folder / "extract", model, Progress(1, 1, 0), asdict(preprocessor))
        soundfile.write(folder / "long.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 240 * rate), rate)
        for device in ("cuda", "cpu"):
            extractor = FeatureExtractor(folder / "extract", device=device)
            start = time.monotonic()
            assert isinstance(extractor.embedder, Embedder)
            count = sum(len(part.vectors) for part in extractor.of_windows(folder / "long.wav", 5, 5))
            print(f"extract on {device}: {count} windows of 5 s in {time.monotonic() - start:.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the program (default: %(default)s)")
    device, begun, judge = parser.parse_args().device, time.monotonic(), Judge()
    if device != "cpu" and not torch.cuda.is_available():
        sys.exit("benchmarks/gpu.sh: PyTorch finds no CUDA device here; --device cpu tries the part that times nothing")
    print(f"PyTorch {torch.__version__}", "CPU" if device == "cpu" else torch.cuda.get_device_name(device))
    with tempfile.TemporaryDirectory() as name:
        check(judge, device, Path(name))
        if device != "cpu":
            torch.set_default_device(device)
            for batch in BATCHES:
                time_steps(batch)
            time_epochs(Path(name))
            time_generate()
            time_extract(Path(name))
    print(f"{judge.failures} results are not those of the CPU; {time.monotonic() - begun:.0f} s in all")
    sys.exit(judge.failures > 0)


if __name__ == "__main__":
    main()
