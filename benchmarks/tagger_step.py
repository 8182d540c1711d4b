# SPDX-License-Identifier: GPL-3.0-or-later
"""A training step of each tagger against its bare convolutions, forward and back, and against the original's.

Seconds are those of all threads (CPU time). The originals were timed once, on two cores of another machine:
see the page on benchmarks. Name networks to run only those.
"""

import sys
import time
from collections.abc import Callable

import torch
from timing import alternate, report
from torch import Tensor, nn

from audeep.models.base import Batch
from audeep.models.conv1d import Conv1d, Conv1dConfig
from audeep.models.layers.conv import Conv
from audeep.models.layers.draws import drawing_from
from audeep.models.mfcc_cnn import MfccCnn, MfccCnnConfig
from audeep.models.mobilenet_v1 import MobileNetConfig, MobileNetV1
from audeep.models.vgg_gap import VggGap, VggGapConfig
from audeep.runtime.memory import reuse_memory
from audeep.training.graphs import RecordedSteps

NETWORKS: dict[str, tuple[Callable[[], nn.Module], int, float | None]] = {  # batch, and the seconds of the original
    "vgg-gap": (lambda: VggGap(VggGapConfig(384, 128, 41)), 10, 10.3),
    "mobilenet-v1": (lambda: MobileNetV1(MobileNetConfig(100, 96, 80, pooling="max", keep_prob=0.8)), 64, 7.73),
    "conv1d": (lambda: Conv1d(Conv1dConfig(32000, 1, 41)), 64, 2.35),
    "mfcc-cnn": (lambda: MfccCnn(MfccCnnConfig(173, 40, 41)), 64, None),
}


def training_step(model: nn.Module, frames: Tensor) -> Callable[[], None]:
    """Forward, back, and Adam."""
    parameters = list(model.parameters())
    optimiser = torch.optim.Adam(parameters, fused=True)
    batch = Batch(frames, None, torch.arange(len(frames)) % 40)  # all networks have as many outputs

    def gradients(found: Batch) -> Tensor:
        loss = nn.functional.cross_entropy(model(found.frames), found.targets)
        loss.backward()
        return loss.detach()

    recorded = RecordedSteps(gradients, parameters, is_on=True)

    def step() -> None:
        optimiser.zero_grad()
        with drawing_from(0):
            recorded(batch)
        optimiser.step()

    return step


def bare_convolutions(model: nn.Module, frames: Tensor) -> Callable[[], None]:
    """The convolutions of a model alone, on random images; the first passes no gradient on."""
    found: list[tuple[Conv, Tensor, Tensor]] = []

    def note(conv: Conv, inputs: tuple[Tensor, None], outputs: tuple[Tensor, None]) -> None:
        images = torch.randn_like(inputs[0]).requires_grad_(bool(found))
        found.append((conv, images, torch.randn_like(outputs[0])))

    hooks = [module.register_forward_hook(note) for module in model.modules() if isinstance(module, Conv)]
    with torch.no_grad():
        model(frames)
    for hook in hooks:
        hook.remove()

    def run() -> None:
        for conv, images, d_outputs in found:
            conv(images)[0].backward(d_outputs)
            conv.weight.grad = images.grad = None

    return run


def main() -> None:
    reuse_memory()
    shares = {}
    for name in sys.argv[1:] or NETWORKS:
        make, batch, original = NETWORKS[name]
        print(name)
        model = make().train()
        frames = torch.rand(batch, *model.config.input_shape) * 2 - 1
        things = {"audeep": training_step(model, frames), "convolutions": bare_convolutions(model, frames)}
        seconds = alternate(5, time.process_time, **things)
        shares[name] = seconds["convolutions"] / seconds["audeep"]
        report(f"{name}, share of the speed of the bare convolutions", shares[name], "0.60")
        if original is not None:
            report(f"{name}, share of the CPU time of the original", seconds["audeep"] / original, "at most 0.33")
    worst = min(shares, key=shares.__getitem__)
    report(f"worst share of the speed of the bare convolutions, {worst}", shares[worst], "0.60")


if __name__ == "__main__":
    main()
