# SPDX-License-Identifier: GPL-3.0-or-later
"""Random numbers of layers: initial weights, dropout, noise. They never come from the global generator of PyTorch.

::

    with drawing_from(seed):
        model = TimeAutoencoder(config)  # the weights that follow from the seed
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

Layer = TypeVar("Layer", bound=nn.Module)

CPU = torch.device("cpu")
aten = torch.ops.aten
WITH_GENERATOR = {  # operations that make a tensor, and the same with a generator
    aten.rand.default: aten.rand.generator,
    aten.randn.default: aten.randn.generator,
    aten.randint.default: aten.randint.generator,
    aten.randint.low: aten.randint.low_generator,
    aten.randperm.default: aten.randperm.generator,
}


class Draws:
    """Streams of random numbers that follow from a seed, one for each device.

    On the CPU it is that of `torch.manual_seed(seed)`.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._generators: dict[torch.device, Generator] = {}

    def generator_for(self, device: torch.device) -> Generator:
        """The generator of `device`, where the draws before have left it."""
        if device not in self._generators:
            self._generators[device] = Generator(device).manual_seed(self.seed)
        return self._generators[device]


def seed_of(*numbers: int) -> int:
    """A seed that follows from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


_current: ContextVar[Draws | None] = ContextVar("draws", default=None)


@contextmanager
def drawing_from(source: int | Draws, everything: bool = False) -> Iterator[None]:
    """Let layers draw from a seed, or go on with some draws; in this thread only.

    Args:
        everything: let the operations of PyTorch do so too, for layers that know nothing of `generator_for`; each
            operation then takes some microseconds more.
    """
    token = _current.set(source if isinstance(source, Draws) else Draws(source))
    try:
        with _Redirected() if everything else nullcontext():  # type: ignore[no-untyped-call]
            yield
    finally:
        _current.reset(token)


class _Redirected(TorchDispatchMode):
    """Random operations that name no generator draw from `generator_for` their device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is aten.native_dropout.default:
            values, share, _ = args
            kept = torch.empty_like(values).bernoulli_(1 - share, generator=generator_for(values.device))
            return values * kept / (1 - share), kept.bool()
        if func in WITH_GENERATOR:
            device = torch.device(kwargs.get("device") or CPU)
            return WITH_GENERATOR[func](*args, **kwargs, generator=generator_for(device))
        takes = {argument.name for argument in func._schema.arguments}
        if "generator" in takes and kwargs.get("generator") is None and not args[0].is_meta:
            kwargs = {**kwargs, "generator": generator_for(args[0].device)}
        return func(*args, **kwargs)


def generator_for(device: torch.device = CPU) -> Generator | None:
    """What to draw with on `device`: outside of `drawing_from` None, which stands for the generator of PyTorch."""
    draws = _current.get()
    return None if draws is None else draws.generator_for(device)


def draw_uniform(weights: Tensor, bound: float) -> None:
    """Fill with numbers from -`bound` to `bound`; what is on the device "meta" has none."""
    if not weights.is_meta:
        with torch.no_grad():
            weights.uniform_(-bound, bound, generator=generator_for(weights.device))


def draw_normal(weights: Tensor, deviation: float) -> None:
    """Fill with normal numbers of mean 0; what is on the device "meta" has none."""
    if not weights.is_meta:
        with torch.no_grad():
            weights.normal_(0, deviation, generator=generator_for(weights.device))


def drawn(layer_type: type[Layer], *sizes: int, **options: Any) -> Layer:
    """A layer of PyTorch, on the current device, whose initial weights are still to be drawn.

    PyTorch draws as many numbers itself when it makes one; they are drawn here too, so that a seed gives the weights
    that it always gave.
    """
    layer = layer_type(*sizes, **options, device="meta")
    empty = {name: torch.empty(weights.shape, dtype=weights.dtype) for name, weights in layer.state_dict().items()}
    layer.load_state_dict(empty, assign=True)  # `to_empty` would import SymPy, in a quarter of a second
    for weights in layer.parameters():
        draw_uniform(weights, 1)
    return layer
