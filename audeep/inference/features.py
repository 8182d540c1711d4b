# SPDX-License-Identifier: GPL-3.0-or-later
"""Features straight from recordings, or from windows along them, by a trained model."""

from collections.abc import Sequence
from pathlib import Path

from audeep.inference.embedder import Embedder, Embeddings, Spectrograms
from audeep.inference.recordings import Applied, check_bands, model_of_recordings
from audeep.models.devices import select_device


class FeatureExtractor(Applied):
    """A trained model that embeds recordings, and how the spectrograms that it was trained on were made.

    ::

        extractor = FeatureExtractor("run/logs", "best")
        vectors = extractor.of_recording("a.wav")  # [chunk, generated]

    Args:
        model_directory: of a run, or "logs" in it.
        step: of the checkpoint to use, or "best"; by default the newest.
        pooled: take what `generate --pooled` does.

    Raises:
        ModelError: there is no such model, it embeds frames rather than recordings, or it does not tell how its
            spectrograms were made.
        OptionError: there is no such device, or the model has no pooled features.
    """

    def __init__(
        self, model_directory: Path | str, step: int | str | None = None, *, pooled: bool = False, device: str = "auto"
    ) -> None:
        model, self.front_end = model_of_recordings(Path(model_directory), step)
        self.front_ends = [self.front_end]
        self.embedder = Embedder(model.to(select_device(device)), pooled)

    def __repr__(self) -> str:
        return f"FeatureExtractor({type(self.embedder.model).__name__}, {self.size} features, {self.front_end})"

    @property
    def size(self) -> int:
        """Features of each instance."""
        return self.embedder.size

    def vectors(self, name: Path | str, frames: Sequence[Spectrograms]) -> Embeddings:
        """[instance, generated] from the frames [instance, time, freq] that the front end gives."""
        check_bands(self.embedder.model, name, frames[0])
        return self.embedder(frames[0])
