# SPDX-License-Identifier: GPL-3.0-or-later
"""Embeddings of recordings by the models of others: modules that speak the HEAR interface, as they are installed.

Of that interface (https://hearbenchmark.com/hear-api.html) this takes `load_model` and `get_scene_embeddings`, and of
the model `sample_rate` and `scene_embedding_size`. Nothing is downloaded here; what a module itself does when it is
imported or loads its model is its own affair.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audeep.audio.front_ends.waveform import Waveform
from audeep.audio.integrity import HIGHEST_RATE
from audeep.errors import AudeepError, ModelError, ShapeError
from audeep.inference.embedder import Embeddings, Spectrograms
from audeep.inference.recordings import Applied
from audeep.models.devices import select_device
from audeep.runtime.modules import module_in, module_named, one_line

FUNCTIONS = ("load_model", "get_scene_embeddings")


@dataclass(frozen=True)
class EmbeddingModule:
    """A module with the HEAR interface, to `extract` with in place of a model of audeep.

    ::

        extract(["a.wav"], EmbeddingModule("hearbaseline", "naive.pt"), "features.csv")

    Attributes:
        name: dotted name of an installed module, or a file FILE.py, which is executed.
        weights: what its `load_model` is given; None calls that without any.
    """

    name: str
    weights: Path | str | None = None


class ModuleExtractor(Applied):
    """Embeds recordings by the model of a module; their channels are averaged, and resampled to the rate it asks for.

    Raises:
        ModelError: there is no such module, it lacks part of the interface, or its model cannot be loaded.
        OptionError: there is no such device.
    """

    def __init__(self, module: EmbeddingModule, device: str = "auto") -> None:
        self.name = module.name
        self.functions = _module(module.name)
        lacking = [name for name in FUNCTIONS if not callable(getattr(self.functions, name, None))]
        if lacking:
            raise ModelError(
                f"{module.name}: has no function {' or '.join(lacking)}, as the HEAR interface does; name the module of"
                " the package that has it"
            )
        self.model = self._loaded(module.weights)
        self._size = self._number("scene_embedding_size")
        self.front_ends = [Waveform(sample_rate=self._number("sample_rate", HIGHEST_RATE))]
        self.device = torch.device("cpu")
        if isinstance(self.model, torch.nn.Module):
            self.device = torch.device(select_device(device))
            self.model.to(self.device).eval()

    def _loaded(self, weights: Path | str | None) -> Any:
        try:
            return self.functions.load_model(*([] if weights is None else [str(weights)]))
        except AudeepError as error:
            raise ModelError(f"{self.name}: {error}") from error
        except Exception as error:
            remedy = "pass weights=FILE if it needs some" if weights is None else f"check that {weights} is for it"
            raise ModelError(f"{self.name}: cannot load its model ({one_line(error)}); {remedy}") from error

    def _number(self, attribute: str, most: int | None = None) -> int:
        """An attribute of the model."""
        found: Any = getattr(self.model, attribute, None)
        if isinstance(found, int | np.integer) and 1 <= found <= (found if most is None else most):
            return int(found)
        limit = "" if most is None else f" up to {most}"
        raise ModelError(
            f"{self.name}: its model has {found!r} for {attribute}, where the HEAR interface has a positive integer"
            f"{limit}; repair the module, or name another"
        )

    @property
    def size(self) -> int:
        """Features of each instance."""
        return self._size

    def vectors(self, name: Path | str, frames: Sequence[Spectrograms]) -> Embeddings:
        """[instance, generated] from samples [instance, time, 1].

        Raises:
            ShapeError: the module fails, or gives another shape than it says.
        """
        audio = torch.from_numpy(np.ascontiguousarray(frames[0][..., 0])).to(self.device)
        try:
            with torch.no_grad():
                found = self.functions.get_scene_embeddings(audio, self.model)
            vectors = found.cpu().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
            embeddings: Embeddings = vectors.astype(np.float32)
        except MemoryError:
            raise
        except Exception as error:
            raise ShapeError(
                f"{name}: {self.name} cannot embed it ({one_line(error)}); leave it out, or make it as long as others"
            ) from error
        if embeddings.shape != (len(audio), self._size):
            raise ShapeError(
                f"{name}: {self.name} gives embeddings of shape {list(embeddings.shape)}, its model says"
                f" {[len(audio), self._size]}; repair the module"
            )
        return embeddings


def _module(name: str) -> Any:
    if name.endswith(".py"):
        return module_in(Path(name), "FILE.py", ModelError)
    try:
        return module_named(name)
    except ImportError as error:
        raise ModelError(
            f"there is no module {name!r} with embeddings ({error}); install its package, or name a file FILE.py"
        ) from error
