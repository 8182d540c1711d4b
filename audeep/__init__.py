# SPDX-License-Identifier: GPL-3.0-or-later
"""Unsupervised representation learning from audio with recurrent sequence to sequence autoencoders."""

from importlib import import_module
from typing import Any

__version__ = "1.0.0.dev0"

_HOMES = {
    # the data model
    "DataSet": "audeep.data.data_set:DataSet",
    "Partition": "audeep.data.schema:Partition",
    "Split": "audeep.data.schema:Split",
    "load": "audeep.data.data_set:load",
    # estimators of scikit-learn
    "FrequencyAutoencoder": "audeep.estimators.autoencoders:FrequencyAutoencoder",
    "FrequencyTimeAutoencoder": "audeep.estimators.autoencoders:FrequencyTimeAutoencoder",
    "Spectrogram": "audeep.estimators.spectrogram:Spectrogram",
    "TimeAutoencoder": "audeep.estimators.autoencoders:TimeAutoencoder",
    # what the commands do
    "evaluate": "audeep.evaluation:evaluate",
    "FeatureExtractor": "audeep.features:FeatureExtractor",
    "export": "audeep.data.exporters:export",
    "fuse": "audeep.data.combine:concat_features",
    "fuse_chunks": "audeep.data.combine:concat_chunks",
    "generate": "audeep.training.generation:generate",
    "import_": "audeep.data.importers:import_data_set",
    "modify": "audeep.data.splits:modify",
    "predict": "audeep.prediction:predict",
    "preprocess": "audeep.extraction:extract",
    "train": "audeep.training.trainer:train",
    "upsample": "audeep.data.upsample:upsample",
    "validate": "audeep.data.integrity:check_integrity",
    "visualize_pca": "audeep.visualization:pca",
    "visualize_tsne": "audeep.visualization:tsne",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Import public names when they are first used, so that `import audeep` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'audeep' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    """All public names, for completion."""
    return __all__
