# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimators of scikit-learn: one for each kind of model, and `Spectrogram` before them.

They are made when they are asked for, from the options that the kinds declare; `__init__.pyi` shows their types.
Those of kinds that other packages bring are here too, under the names of their classes: ``estimator("kind-name")``.
"""

from typing import Any

from audeep.models.registry import MODELS

_NAMES = {entry.target.rpartition(":")[2]: entry.name for entry in MODELS.built_in.values()}

__all__ = ["Spectrogram", "estimator", *_NAMES]


def __getattr__(name: str) -> Any:
    if name == "Spectrogram":
        from audeep.estimators.spectrogram import Spectrogram

        return Spectrogram
    if name.startswith("_"):
        raise AttributeError(name)
    from audeep.estimators.models import estimator

    if name == "estimator":
        return estimator
    kinds = {entry.target.rpartition(":")[2]: entry.name for entry in MODELS.installed.values()} | _NAMES
    if name not in kinds:
        raise AttributeError(f"module 'audeep.estimators' has no attribute {name!r}")
    return estimator(kinds[name])


def __dir__() -> list[str]:
    return sorted(__all__)
