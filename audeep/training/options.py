# SPDX-License-Identifier: GPL-3.0-or-later
"""How to train, whatever the model."""

from collections.abc import Sequence
from dataclasses import dataclass

from audeep.data.schema import Partition
from audeep.errors import OptionError
from audeep.runtime.options import check_options, option

LARGEST_SEED = 2**32 - 1  # that scikit-learn takes


@dataclass(frozen=True)
class TrainingOptions:
    """How to train, whatever the model.

    Attributes:
        precision: of matrix products. Weights and losses are float32.
        schedule: of the learning rate. "cosine" is that of Loshchilov and Hutter (ICLR 2017) without restarts, after a
            linear warm-up.
        validation_partition: partitions to hold out instead of `validation_split`.
        keep_best: then only the newest other model is kept, unless `checkpoints_to_keep` has a number.

    Raises:
        OptionError: a value is beyond its limits, or options contradict each other.
    """

    batch_size: int = option(64, "instances per step", least=1)
    num_epochs: int = option(10, "passes over the data, those before it was continued included", least=1)
    learning_rate: float = option(1e-3, "of Adam", above=0, metavar="RATE")
    seed: int = option(
        0, "all random numbers follow from it: the same seed gives the same results", least=0, most=LARGEST_SEED
    )
    device: str = option("auto", "where to compute: cpu, cuda, cuda:N, mps, or auto: CUDA where there is one")
    precision: str = option(
        "float32",
        "of matrix products; bfloat16 is faster where the processor has it",
        choices=("float32", "bfloat16", "float16"),
    )
    checkpoints_to_keep: int | None = option(None, "keep the newest N models (default: all)", least=1, metavar="N")
    crop_frames: int | None = option(
        None,
        "train on a random excerpt of so many frames of each spectrogram (default: on whole ones)",
        least=1,
        metavar="FRAMES",
    )
    schedule: str = option(
        "constant",
        "of the learning rate; cosine rises at first and falls until the last step",
        choices=("constant", "cosine"),
    )
    validation_split: float | None = option(
        None,
        "hold out a share P of the recordings, drawn from the seed, and compute a loss on them after each epoch",
        above=0,
        most=1,
        metavar="P",
    )
    validation_partition: Sequence[Partition] | None = None
    patience: int | None = option(None, "end after N epochs without a lower validation loss", least=1, metavar="N")
    keep_best: bool = option(
        False,
        "keep the model with the lowest validation loss and the newest one, or as many as are to be kept",
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.validation_split is not None and self.validation_partition is not None:
            raise OptionError("validation_split and validation_partition: both found; leave one of them out")
        if not self.validates and (self.patience is not None or self.keep_best):
            asked = "keep_best=True" if self.patience is None else f"patience={self.patience}"
            raise OptionError(f"{asked}: needs a validation loss; add validation_split=P or validation_partition=NAME")

    @property
    def validates(self) -> bool:
        """Whether some data are held out from training."""
        return self.validation_split is not None or self.validation_partition is not None

    @property
    def num_kept(self) -> int | None:
        """How many of the newest models are kept, beside the best one; None for all."""
        return self.checkpoints_to_keep or (1 if self.keep_best else None)
