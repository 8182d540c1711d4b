# SPDX-License-Identifier: GPL-3.0-or-later
"""What the header of a model said in earlier formats, said as this version does."""

from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]


def from_format_1(facts: Facts) -> Facts:
    """The frame decoder of t-rae is now a kind of its own, and hidden stretches of frames are masked spans."""
    config = facts.get("config")
    if facts.get("model") != "t-rae" or not isinstance(config, dict):
        return facts
    names = {"hidden_frames": "masked_frames", "hidden_stretch": "mask_span"}
    config = {names.get(name, name): value for name, value in config.items()}
    if config.pop("decoder", "sequence") != "frame":
        return {**facts, "config": config}
    for name in ("bidirectional_decoder", "feed_previous_prob"):  # had no effect
        config.pop(name, None)
    return {**facts, "model": "masked-frames", "config": config}


UPGRADES: Mapping[int, Callable[[Facts], Facts]] = {1: from_format_1}  # by format
