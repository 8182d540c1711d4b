# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several kinds of models have, each declared once.

`what` tells the parts of a network apart that has several ("frequency ").
"""

from typing import Any

from audeep.runtime.options import option

_PROBABILITY: dict[str, Any] = {"least": 0, "most": 1, "metavar": "P"}


def num_layers(of: str = "encoder and decoder", default: int = 1) -> Any:
    """How many recurrent layers there are."""
    return option(default, f"recurrent layers of the {of}", least=1, metavar="LAYERS")


def num_units(default: int = 16) -> Any:
    """How many units a layer has."""
    return option(default, "units of each of these layers", least=1, metavar="UNITS")


def bidirectional_encoder(what: str = "") -> Any:
    """Whether the encoder reads a sequence from its end too."""
    return option(False, f"let the {what}encoder read in both directions")


def bidirectional_decoder(what: str = "") -> Any:
    """Whether the decoder writes a sequence from its end too."""
    return option(False, f"let the {what}decoder write in both directions")


def encoder_noise(what: str = "") -> Any:
    """Probability that a step is set to zero while training."""
    return option(0.0, f"set each step that the {what}encoder reads to zero with probability P", **_PROBABILITY)


def feed_previous_prob(what: str = "") -> Any:
    """Probability that a step is decoded autoregressively."""
    help = f"feed the {what}decoder its own last output, instead of the expected one, with probability P"
    return option(0.0, help, **_PROBABILITY)


def freq_window_width() -> Any:
    """How many bands a window has, a step of what reads along frequency."""
    return option(32, "cut frames into windows of so many bands", least=1, metavar="BANDS")


def freq_window_overlap() -> Any:
    """How many bands a window shares with the one before."""
    return option(24, "bands that neighbouring windows share", metavar="BANDS")


def keep_prob() -> Any:
    """Probability to keep an activation while training."""
    return option(0.8, "dropout keeps an activation with probability P", above=0, most=1, metavar="P")


def cell() -> Any:
    """The type of recurrent units."""
    return option("GRU", "GRU or LSTM", choices=("GRU", "LSTM"))


def mask_silence() -> Any:
    """Whether errors count where a spectrogram is silent."""
    return option(False, "do not count errors where the spectrogram is at its minimum")


def masked_frames() -> Any:
    """Share of the frames that are masked while training."""
    help = "mask this share of the frames that the encoder reads while training, in spans"
    return option(0.0, help, least=0, most=1, metavar="SHARE", aliases=("hidden_frames",))


def mask_span() -> Any:
    """Mean length of a masked span."""
    help = "about how many masked frames come in a row"
    return option(6, help, least=1, metavar="FRAMES", aliases=("hidden_stretch",))
