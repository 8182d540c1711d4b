# SPDX-License-Identifier: GPL-3.0-or-later
"""How to train, whatever the model."""

from collections.abc import Sequence
from dataclasses import dataclass

from audeep.data.schema import Partition
from audeep.errors import OptionError

LARGEST_SEED = 2**32 - 1  # that scikit-learn takes


@dataclass(frozen=True)
class TrainingOptions:
    """How to train, whatever the model.

    Attributes:
        precision: what to compute matrix products in: float32, bfloat16 or float16. Weights and losses are float32.
        crop_frames: at each step, train on random stretches of so many frames.
        schedule: of the learning rate. "constant", or "cosine": it rises over the first steps and falls to 0 until the
            last (Loshchilov and Hutter, ICLR 2017, without restarts).
        validation_split: share of the recordings to hold out, drawn from the seed, and to compute a loss on after each
            epoch.
        validation_partition: partitions to hold out instead.
        patience: end after so many epochs without a lower validation loss.
        keep_best: keep the model with the lowest validation loss too; then only the newest other one is kept, unless
            `checkpoints_to_keep` has a number.

    Raises:
        OptionError: options contradict each other, or the seed is out of range.
    """

    batch_size: int = 64
    num_epochs: int = 10
    learning_rate: float = 1e-3
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    checkpoints_to_keep: int | None = None
    crop_frames: int | None = None
    schedule: str = "constant"
    validation_split: float | None = None
    validation_partition: Sequence[Partition] | None = None
    patience: int | None = None
    keep_best: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= LARGEST_SEED:
            raise OptionError(f"--seed {self.seed}: a whole number from 0 to {LARGEST_SEED} was expected")
        if self.validation_split is not None and self.validation_partition is not None:
            raise OptionError("--validation-split and --validation-partition: both found; leave one of them out")
        if not self.validates and (self.patience is not None or self.keep_best):
            asked = "--keep-best" if self.patience is None else f"--patience {self.patience}"
            raise OptionError(
                f"{asked}: needs a validation loss; add --validation-split P or --validation-partition NAME"
            )

    @property
    def validates(self) -> bool:
        """Whether some data are held out from training."""
        return self.validation_split is not None or self.validation_partition is not None

    @property
    def num_kept(self) -> int | None:
        """How many of the newest models are kept, beside the best one; None for all."""
        return self.checkpoints_to_keep or (1 if self.keep_best else None)
