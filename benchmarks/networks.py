# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of the benchmarks: a training step of each, its bare matrix products, and a plain t-rae to compare with."""

from collections.abc import Callable

import torch
from timing import Linear, Products
from torch import Tensor, nn

from audeep.models.base import Batch
from audeep.models.frequency_autoencoder import FrequencyAutoencoder, FrequencyAutoencoderConfig
from audeep.models.frequency_time_autoencoder import FrequencyTimeAutoencoder, FrequencyTimeAutoencoderConfig
from audeep.models.layers.draws import drawing_from
from audeep.models.layers.linear import TanhLinear
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig
from audeep.runtime.memory import reuse_memory
from audeep.training.graphs import RecordedSteps
from audeep.training.options import TrainingOptions

STEPS, BANDS, BATCH = 124, 128, 64  # of ESC-10 with the settings of the tutorial


def training_step(model: nn.Module, batch: int = BATCH, is_recorded: bool = True) -> Callable[[], None]:
    """One step on random spectrograms, as the trainer makes it; without `is_recorded`, never by a CUDA graph."""
    reuse_memory()
    spectrograms, limit = Batch(torch.rand(batch, STEPS, BANDS) * 2 - 1, None, None), TrainingOptions().gradient_limit
    parameters = list(model.parameters())
    optimiser = torch.optim.Adam(parameters, fused=True)

    def gradients(found: Batch) -> Tensor:
        loss = model.loss(found.frames)
        loss.backward()
        return loss.detach()

    recorded = RecordedSteps(gradients, parameters, is_recorded)

    def step() -> None:
        optimiser.zero_grad()
        with drawing_from(0):
            recorded(spectrograms)
        nn.utils.clip_grad_value_(parameters, limit)
        optimiser.step()

    return step


def stack(
    steps: int, batch: int, inputs: int, units: int, layers: int, directions: int, **more: bool
) -> list[Products]:
    """Products of layers on top of each other; without `d_inputs`, the lowest passes no gradient on."""
    d_inputs = more.pop("d_inputs", False)
    gates = more.pop("gates", 3)
    sizes = [inputs] + [units] * (layers - 1)
    return [
        Products(steps, batch, size, units, gates, d_inputs or index > 0, **more)
        for _ in range(directions)
        for index, size in enumerate(sizes)
    ]


def dense(layer: TanhLinear, rows: int) -> Linear:
    """The products of a layer with so many inputs."""
    return Linear(rows, layer.linear.in_features, layer.linear.out_features)


def tutorial(
    cell: str = "GRU", autoregressive: bool = False, batch: int = BATCH
) -> tuple[nn.Module, list[Products | Linear]]:
    """The t-rae of the tutorial (2 x 256, decoder bidirectional); or one half of whose decoding is autoregressive."""
    config = TimeAutoencoderConfig(
        STEPS,
        BANDS,
        2,
        256,
        bidirectional_decoder=not autoregressive,
        feed_previous_prob=0.5 if autoregressive else 0.0,
        cell=cell,
    )
    gates = 3 if cell == "GRU" else 4
    parts: list[Products | Linear] = [*stack(STEPS, batch, BANDS, 256, 2, 1, gates=gates)]
    if autoregressive:
        parts += stack(STEPS, batch, BANDS, 256, 2, 1, gates=gates, by_step=True)
        parts += [Linear(batch, 256, BANDS) for _ in range(STEPS)]  # outputs are projected at each step
    else:
        parts += stack(STEPS, batch, BANDS, 256, 2, 2, gates=gates)
    model = TimeAutoencoder(config)
    return model, [*parts, dense(model.representation, batch), dense(model.reconstruction, STEPS * batch)]


def f_rae(units: int = 64, batch: int = BATCH) -> tuple[nn.Module, list[Products | Linear]]:
    """1 layer, windows of 32 bands that share 24."""
    config = FrequencyAutoencoderConfig(STEPS, BANDS, num_units=units)
    model = FrequencyAutoencoder(config)
    windows, frames = config.windows.count, STEPS * batch
    parts: list[Products | Linear] = [*stack(windows, frames, 32, units, 1, 2)]
    parts += [Linear(windows * frames, units, 32), dense(model.representation, frames)]
    return model, [*parts, dense(model.reconstruction, frames)]


def ft_rae(batch: int = BATCH) -> tuple[nn.Module, list[Products | Linear]]:
    """The default sizes: 1 x 64 along frequency, 2 x 128 along time."""
    config = FrequencyTimeAutoencoderConfig(STEPS, BANDS)
    windows, frames = config.windows.count, STEPS * batch
    parts: list[Products | Linear] = [*stack(windows, frames, 32, 64, 1, 2), Linear(windows * frames, 64, 32)]
    parts += [*stack(STEPS, batch, 64, 128, 2, 2, d_inputs=True), Linear(frames, 128, 64)]
    model = FrequencyTimeAutoencoder(config)
    parts += [dense(model.representation, batch), dense(model.f_decoder_state, frames)]
    return model, [*parts, dense(model.reconstruction, frames)]


class PlainTimeAutoencoder(nn.Module):
    """The t-rae of the tutorial, written with `torch.nn.GRU` and `torch.nn.Dropout` in the obvious way."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = self._stack()
        self.decoders = nn.ModuleList([self._stack(), self._stack()])
        self.representation, self.reconstruction = nn.Linear(512, 1024), nn.Linear(512, BANDS)
        self.dropout = nn.Dropout(0.2)

    @staticmethod
    def _stack() -> nn.ModuleList:
        return nn.ModuleList([nn.GRU(BANDS, 256), nn.GRU(256, 256)])

    def _run(self, layers: nn.ModuleList, inputs: Tensor, states: list[Tensor | None]) -> tuple[Tensor, list[Tensor]]:
        last = []
        for layer, state in zip(layers, states, strict=True):
            outputs, state = layer(self.dropout(inputs), state)
            inputs = self.dropout(outputs)
            last.append(state)
        return inputs, last

    def loss(self, spectrograms: Tensor) -> Tensor:
        inputs = spectrograms.transpose(0, 1)
        _, last = self._run(self.encoder, inputs, [None, None])
        state = torch.tanh(self.representation(torch.cat(last, dim=2)[0]))
        states = [part.unsqueeze(0).contiguous() for part in state.chunk(4, dim=1)]
        targets = inputs.flip(0)
        shifted = torch.cat([torch.zeros_like(targets[:1]), targets[:-1]])
        forward, _ = self._run(self.decoders[0], shifted, states[:2])
        backward, _ = self._run(self.decoders[1], shifted.flip(0), states[2:])
        outputs = torch.tanh(self.reconstruction(torch.cat([forward, backward.flip(0)], dim=2)))
        return torch.sqrt(nn.functional.mse_loss(outputs, targets))


class PlainFrequencyAutoencoder(nn.Module):
    """The f-rae of `f_rae`, in the same way."""

    def __init__(self, units: int = 64) -> None:
        super().__init__()
        config = FrequencyAutoencoderConfig(STEPS, BANDS, num_units=units)
        self.width, self.hop = config.freq_window_width, config.freq_window_width - config.freq_window_overlap
        self.encoder, self.decoder = nn.GRU(self.width, units), nn.GRU(self.width, units)
        self.representation, self.projection = nn.Linear(units, units), nn.Linear(units, self.width)
        self.reconstruction = nn.Linear(config.windows.count * self.width, BANDS)
        self.dropout = nn.Dropout(0.2)

    def loss(self, spectrograms: Tensor) -> Tensor:
        frames = spectrograms.flatten(0, 1)
        inputs = frames.unfold(1, self.width, self.hop).transpose(0, 1).contiguous()  # [window, frame, width]
        _, last = self.encoder(self.dropout(inputs))
        state = torch.tanh(self.representation(last))
        targets = inputs.flip(0)
        shifted = torch.cat([torch.zeros_like(targets[:1]), targets[:-1]])
        decoded = torch.tanh(self.projection(self.dropout(self.decoder(self.dropout(shifted), state)[0])))
        outputs = torch.tanh(self.reconstruction(decoded.transpose(0, 1).flatten(1)))
        return torch.sqrt(nn.functional.mse_loss(outputs.flip(1), frames))
