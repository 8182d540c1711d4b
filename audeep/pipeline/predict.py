# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of the labels that a trained tagger knows."""

from pathlib import Path

from audeep.data.data_set import DataSet
from audeep.data.schema import LABEL
from audeep.errors import DataError, ModelError
from audeep.inference.embedder import BATCH_SIZE, check_made_alike, check_shape
from audeep.inference.tagger import scores_of
from audeep.models.base import Tagger
from audeep.models.checkpoints import load_model, preprocessing_of
from audeep.models.devices import select_device


def predict_scores(
    model_directory: Path,
    data_set: DataSet,
    step: int | str | None = None,
    *,
    kind: str | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    any_preprocessing: bool = False,
) -> tuple[DataSet, tuple[str, ...]]:
    """The same instances with the probability of each label as features [label]; and the labels.

    Args:
        step: of the checkpoint, or `checkpoints.BEST`; by default the newest.
        kind: the kind of model expected.
        any_preprocessing: take spectrograms that were made with other settings than those trained on.

    Raises:
        OptionError: spectrograms were made with other settings.
        ModelError: the checkpoint is missing, damaged, or not of a tagger.
        ShapeError: the model was trained on another shape.
        DataError: there is no instance.
    """
    model, _ = load_model(model_directory, step, kind)
    if not isinstance(model, Tagger):
        raise ModelError(f"{model_directory}: is not a model that learns from labels; name one that is")
    check_shape(model, data_set, model_directory)
    if not any_preprocessing:
        check_made_alike(preprocessing_of(model_directory, step), data_set, model_directory)
    if not len(data_set):
        raise DataError("there is no instance to predict a label for; check the input and the partitions")
    scores = scores_of(model.to(select_device(device)), data_set, batch_size)
    return data_set.with_features(scores, [LABEL]), model.labels
