# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers draw from streams of their own, which follow from a seed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch
from torch import Tensor, nn

from audeep.models.layers import native
from audeep.models.layers.codecs import Encoder, FeedbackDecoder
from audeep.models.layers.draws import Draws, draw_uniform, drawing_from, drawn, generator_for
from audeep.models.layers.recurrent import StackConfig
from audeep.models.mlp import Mlps
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig

RANDOM = dict(keep_prob=0.6, encoder_noise=0.3, feed_previous_prob=0.5, masked_frames=0.4)


def train_a_little(seed: int, steps: int = 3, between: Callable[[], object] = lambda: None) -> list[Tensor]:
    """Weights of a model with every kind of randomness after some steps; `between` is called before each."""
    with drawing_from(seed):
        model = TimeAutoencoder(TimeAutoencoderConfig(6, 4, num_units=3, **RANDOM))
        optimiser = torch.optim.Adam(model.parameters())
        for _ in range(steps):
            between()
            optimiser.zero_grad()
            model.loss(torch.linspace(-1, 1, 72).view(3, 6, 4)).backward()
            optimiser.step()
    return [weights.detach() for weights in model.parameters()]


@pytest.fixture(params=["compiled", "operations", "layers of PyTorch"])
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "compiled":
        monkeypatch.setattr(native, "kernels", None)
    if request.param == "layers of PyTorch":
        monkeypatch.setenv("AUDEEP_PLAIN_RNN", "1")


@pytest.mark.usefixtures("how")
def test_the_seed_decides_alone_and_the_state_of_the_global_generator_survives() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    found = train_a_little(seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert all(map(torch.equal, found, train_a_little(seed=5)))
    assert not all(map(torch.equal, found, train_a_little(seed=6)))


@pytest.mark.slow
def test_threads_that_draw_at_once_get_what_they_get_alone() -> None:
    seeds = [3, 4, 3]
    alone = [train_a_little(seed) for seed in seeds]
    barrier = Barrier(len(seeds))
    with ThreadPoolExecutor(len(seeds)) as pool:
        together = list(pool.map(lambda seed: train_a_little(seed, between=lambda: barrier.wait(60)), seeds))
    for one, other in zip(alone, together, strict=True):
        assert all(map(torch.equal, one, other))


def test_perceptrons_leave_the_global_generator_as_it_is() -> None:
    before = torch.get_rng_state()
    model = Mlps([4, 20, 2], 0.6, [1, 2])
    first, second = (model.loss(torch.ones(3, 4), torch.tensor([0, 1, 0])).item() for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before) and first != second
    assert Mlps([4, 20, 2], 0.6, [1, 2]).loss(torch.ones(3, 4), torch.tensor([0, 1, 0])).item() == first


def test_the_stream_of_the_cpu_is_that_of_the_global_generator() -> None:
    torch.manual_seed(7)
    expected = torch.rand(5), torch.rand(3)
    draws = Draws(7)
    with drawing_from(draws):
        first = torch.rand(5, generator=generator_for())
        with drawing_from(8):  # of a block within
            torch.rand(4, generator=generator_for())
    with drawing_from(draws):  # goes on
        assert torch.equal(torch.rand(3, generator=generator_for()), expected[1])
    assert torch.equal(first, expected[0]) and generator_for() is None


def test_a_seed_gives_the_weights_that_it_always_gave() -> None:
    """Those of layers which PyTorch makes, and whose weights are then drawn again from the same stream."""
    torch.manual_seed(11)
    expected = nn.Linear(3, 2)
    nn.init.xavier_uniform_(expected.weight)
    nn.init.uniform_(expected.bias, -(1.5**0.5), 1.5**0.5)
    after = torch.rand(2)
    with drawing_from(11):
        model = Mlps([3, 2], 0.6, [11])
        found = drawn(nn.Linear, 3, 2)
        draw_uniform(found.weight, 1)
        draw_uniform(found.bias, 1)
        assert torch.equal(torch.rand(2, generator=generator_for()), after)
    assert torch.equal(model.weights[0][0], expected.weight) and torch.equal(model.biases[0][0], expected.bias)


def test_models_without_memory_draw_nothing() -> None:
    config = StackConfig(input_size=5, num_layers=2, num_units=2**20)
    before = torch.get_rng_state()
    with drawing_from(0), torch.device("meta"):
        modules = [Encoder(config), FeedbackDecoder(config)]
        assert all(weights.is_meta for module in modules for weights in module.parameters())
    assert torch.equal(torch.get_rng_state(), before)


def test_all_operations_draw_from_the_seed_where_that_is_asked_for() -> None:
    def everything_random() -> list[torch.Tensor]:
        layer = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.GRU(4, 2))
        made = [torch.rand(3), torch.randn(2, 2), torch.randint(9, (5,)), torch.randint(2, 9, (5,)), torch.randperm(7)]
        return [*made, *layer.parameters(), layer(torch.ones(2, 5, 3))[0], torch.ones(4).bernoulli(0.5)]

    before = torch.get_rng_state()
    with drawing_from(7, everything=True):
        found = everything_random()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(7)
    for one, other in zip(found, everything_random(), strict=True):
        assert torch.equal(one, other)
