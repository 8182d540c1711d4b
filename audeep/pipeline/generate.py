# SPDX-License-Identifier: GPL-3.0-or-later
"""generate: embeddings of a data set by trained models, in a file for each model."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from audeep.data import netcdf
from audeep.data.data_set import DataSet
from audeep.data.schema import GENERATED, NUM_FRAMES
from audeep.errors import OptionError
from audeep.inference.embedder import (
    BATCH_SIZE,
    Each,
    Embedder,
    Embeddings,
    SomeSpectrograms,
    check_made_alike,
    check_shape,
)
from audeep.models.checkpoints import load_model, preprocessing_of, step_of
from audeep.models.devices import select_device
from audeep.runtime.cluster import Cluster
from audeep.runtime.execution import Prepared, run
from audeep.runtime.files import check_target

logger = logging.getLogger(__name__)


def generate(
    model_directory: Path | str,
    data_set: DataSet,
    outputs: Sequence[Path | str],
    steps: Sequence[int | str] | None = None,
    *,
    kind: str | None = None,
    batch_size: int = BATCH_SIZE,
    device: str = "auto",
    pooled: bool = False,
    any_preprocessing: bool = False,
    cluster: str | None = None,
) -> None:
    """Write the embeddings of all instances, one file for each training step.

    ::

        generate("run/logs", load("spectrograms.nc"), ["newest.nc"])

    Args:
        steps: steps of the checkpoints to use, or `checkpoints.BEST`; by default the newest.
        kind: the kind of model expected ("t-rae").
        pooled: take the pooled features that some kinds of models have.
        any_preprocessing: take spectrograms that were made with other settings than those trained on.
        cluster: the address of a dask scheduler whose workers compute batches, or "local:N" for N processes of this
            machine; `audeep[dask]` has what this needs.

    Raises:
        OptionError: the numbers of steps and outputs differ, there are no pooled features, or spectrograms were made
            with other settings.
        ModelError: a checkpoint is missing or damaged.
        ShapeError: the model was trained on another shape.
        OutputError: an output cannot be written.
    """
    chosen: Sequence[int | str | None] = [None] if steps is None else steps
    directory, paths = Path(model_directory), [Path(output) for output in outputs]
    if len(chosen) != len(paths):
        raise OptionError(f"{len(paths)} outputs for {len(chosen)} training steps; give one output for each step")
    for number, output in enumerate(paths):
        if output in paths[:number]:
            raise OptionError(f"{output}: is named twice; give each step an output of its own")
        check_target(output)
    numbers = [step_of(directory, step) for step in chosen]  # once, as a training may go on meanwhile
    models = [load_model(directory, number, kind)[0] for number in numbers]
    for model, number in zip(models, numbers, strict=True):
        check_shape(model, data_set, directory)
        if not any_preprocessing:
            check_made_alike(preprocessing_of(directory, number), data_set, directory)
    for model, number, output in zip(models, numbers, paths, strict=True):
        make = partial(_of_batch, directory, number, pooled, device)
        each = None if cluster is None else on_cluster(cluster, make, directory)
        if cluster is None:
            model.to(select_device(device))
        _generate(Embedder(model, pooled), data_set, output, batch_size, each)
        logger.info("%s: features of %d instances written", output, len(data_set))


def _of_batch(directory: Path, step: int, pooled: bool, device: str) -> Callable[[SomeSpectrograms], Embeddings]:
    """What embeds batches, by a model that is loaded for it."""
    return Embedder(load_model(directory, step)[0].to(select_device(device)), pooled).of_batch


def on_cluster(cluster: str, make: Callable[[], Callable[[Any], Any]], directory: Path) -> Each:
    """What has batches computed by the workers of a cluster, with what `make` gives each of the model in `directory`.

    Raises:
        OptionError: `cluster` is the address of none.
    """
    return partial(run, Prepared(make), jobs=Cluster(cluster), long_items=True, needs=[directory])


def _generate(embedder: Embedder, data_set: DataSet, output: Path, batch_size: int, each: Each | None) -> None:
    names, shape = [GENERATED], [embedder.size]
    if embedder.is_of_frames:
        names, shape = [f"{GENERATED}_0", f"{GENERATED}_1"], [data_set.feature_shape[0], *shape]
    layout = names, shape, data_set.num_folds, data_set.label_map
    with netcdf.writing(output, *layout, label_names=data_set.label_names) as writer:
        for part, embeddings in embedder.parts(data_set, batch_size, each):
            metadata = part.metadata
            if not embedder.is_of_frames:
                del metadata[NUM_FRAMES.name]  # there is no axis of time any more
            writer.append(metadata, embeddings)
