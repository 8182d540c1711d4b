# SPDX-License-Identifier: GPL-3.0-or-later
"""How to train, whatever the model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audeep.data.schema import Partition
from audeep.errors import OptionError
from audeep.models.base import ContrastiveNetwork, FittedModel, Network, Tagger
from audeep.runtime.options import check_options, option, with_default

LARGEST_SEED = 2**32 - 1  # that scikit-learn takes
_LEVEL: dict[str, Any] = {"least": 0, "most": 200, "metavar": "DB"}
VALIDATION = ("validation_split", "validation_partition", "validation_fold")  # options, one of which holds data out


@dataclass(frozen=True)
class WarmStart:
    """Where a training takes weights from before its first step.

    Attributes:
        model: a model file, or the directory of the models of a run, of which the newest is taken.
        layers: take tensors whose names begin with one of these; None for all.
        without: but not those whose names begin with one of these.
        statistics: take the running statistics of batch normalisation too.
    """

    model: Path
    layers: Sequence[str] | None = None
    without: Sequence[str] = ()
    statistics: bool = True


@dataclass(frozen=True)
class TrainingOptions:
    """How to train, whatever the model.

    Attributes:
        precision: of matrix products. Weights and losses are float32.
        schedule: of the learning rate. "cosine" is that of Loshchilov and Hutter (ICLR 2017) without restarts, after a
            linear warm-up; "one-cycle" is that of Smith and Topin (2018) as in PyTorch, but for the momentum: along
            cosines, from 1/25 up and down to 1/250,000; "linear" stays until the end of epoch `decay_start` and reaches
            0 in the last one; "staircase" is multiplied by `decay_rate` each `decay_epochs` epochs.
        weight_decay: of Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (ICLR 2019).
        validation_partition: partitions to hold out instead of `validation_split`.
        start_from: where to take weights from before the first step; "warm_start" is something else in scikit-learn.
        keep_best: then only the newest other model is kept, unless `checkpoints_to_keep` has a number.

    Raises:
        OptionError: a value is beyond its limits, or options contradict each other.
    """

    batch_size: int = option(64, "instances per step", least=1)
    num_epochs: int = option(
        10,
        "passes over the data, those before it was continued included; 0 gives the untrained network, its statistics of"
        " batch normalisation those of the data",
    )
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
        "of the learning rate; cosine rises at first and falls until the last step, one-cycle rises for"
        " --rising-share of the steps, linear falls to 0 after --decay-start, staircase falls by --decay-rate each"
        " --decay-epochs",
        choices=("constant", "cosine", "one-cycle", "linear", "staircase"),
    )
    rising_share: float = option(
        0.15, "share of the steps in which the schedule one-cycle rises", above=0, most=1, metavar="SHARE"
    )
    decay_start: int = option(0, "epoch after which the schedule linear falls", metavar="EPOCH")
    decay_rate: float = option(0.94, "factor of the schedule staircase", above=0, most=1, metavar="FACTOR")
    decay_epochs: float = option(2.5, "epochs of a step of the schedule staircase", above=0, metavar="EPOCHS")
    weight_decay: float = option(
        0.0,
        "take this share of the weights, times the learning rate, off at each step",
        least=0,
        most=1,
        metavar="SHARE",
    )
    epsilon: float = option(1e-8, "of Adam, in the denominator", above=0, metavar="EPS")
    epsilon_hat: bool = option(
        False, "add epsilon before the correction of bias, as TensorFlow 1 and Lasagne do (default: after it)"
    )
    gradient_limit: float = option(
        2.0, "clip each value of the gradient to this size; 0 does not clip", least=0, metavar="LIMIT"
    )
    validation_split: float | None = option(
        None,
        "hold out a share P of the recordings, drawn from the seed, and compute a loss on them after each epoch",
        above=0,
        most=1,
        metavar="P",
    )
    validation_partition: Sequence[Partition] | None = None
    validation_fold: int | None = option(
        None,
        "train on the recordings of fold K that are for training, counted from 1, and hold out those for validation",
        least=1,
        metavar="K",
    )
    patience: int | None = option(None, "end after N epochs without a lower validation loss", least=1, metavar="N")
    keep_best: bool = option(
        False,
        "keep the model with the lowest validation loss and the newest one, or as many as are to be kept",
    )

    start_from: WarmStart | None = None

    def __post_init__(self) -> None:
        check_options(self)
        asked_for = [name for name in VALIDATION if getattr(self, name) is not None]
        if len(asked_for) > 1:
            raise OptionError(f"{' and '.join(asked_for)}: both found; leave one of them out")
        if not self.validates and (self.patience is not None or self.keep_best):
            asked = "keep_best=True" if self.patience is None else f"patience={self.patience}"
            raise OptionError(
                f"{asked}: needs a validation loss; add validation_split=P, validation_partition=NAME or"
                " validation_fold=K"
            )

    @property
    def validates(self) -> bool:
        """Whether some data are held out from training."""
        return any(getattr(self, name) is not None for name in VALIDATION)

    @property
    def num_kept(self) -> int | None:
        """How many of the newest models are kept, beside the best one; None for all."""
        return self.checkpoints_to_keep or (1 if self.keep_best else None)


@dataclass(frozen=True)
class AugmentationOptions(TrainingOptions):
    """How to train on spectrograms that are changed at random at each step, in this order.

    Attributes:
        freq_shift: in fractions of a band too; bands that are not there are like the one at the edge.
        power_mix, noise_floor: as sounds add up: in power. Labels stay as they are.
        time_masks, freq_masks: Park et al., SpecAugment (Interspeech 2019).

    Raises:
        OptionError: as for the options of all trainings; or one is of excerpts, and there are none.
    """

    loudest_of: int = option(
        1, "draw so many random excerpts of each spectrogram, and take the loudest", least=1, metavar="N"
    )
    crop_margin: int = option(
        0, "excerpts may begin so many frames before a recording, and end so many after it", metavar="FRAMES"
    )
    time_stretch: float = option(
        1.0, "stretch excerpts in time, or compress them, by up to this factor", least=1, most=10, metavar="FACTOR"
    )
    freq_shift: float = option(0.0, "shift spectrograms in frequency by up to so many bands", least=0, metavar="BANDS")
    freq_scale: float = option(
        1.0, "stretch spectrograms in frequency, or compress them, by up to this factor", least=1, metavar="FACTOR"
    )
    decibels_per_unit: float = option(
        30.0,
        "decibels of a difference of 1 in the spectrograms: half of the range that preprocess clips to, 30 for"
        " --clip-below -60",
        above=0,
        metavar="DB",
    )
    equaliser: float = option(
        0.0, "change the level of bands by a random smooth curve with this standard deviation", **_LEVEL
    )
    equaliser_points: int = option(6, "points between which this curve is linear", least=2, metavar="N")
    gain: float = option(0.0, "change the level by a random number with this standard deviation", **_LEVEL)
    power_mix: float = option(
        0.0,
        "mix each spectrogram, in power, with up to this share of another one of the batch, whatever its label",
        least=0,
        most=0.999,
        metavar="SHARE",
    )
    noise_floor: float = option(0.0, "add noise at up to so many decibels above the lowest level", **_LEVEL)
    noise_floor_deviation: float = option(3.0, "standard deviation of that noise", **_LEVEL)
    clamp_min: float | None = option(None, "raise what is below to this value (default: do not)", metavar="VALUE")
    clamp_max: float | None = option(None, "lower what is above to this value (default: do not)", metavar="VALUE")
    gaussian_noise: float = option(
        0.0, "add Gaussian noise with this standard deviation to the values", least=0, metavar="VALUE"
    )
    time_masks: int = option(0, "mask so many random spans of frames of each spectrogram", metavar="N")
    time_mask_frames: int = option(20, "length of these spans, at most", least=1, metavar="FRAMES")
    freq_masks: int = option(0, "mask so many random spans of bands of each spectrogram", metavar="N")
    freq_mask_bands: int = option(16, "width of these spans, at most", least=1, metavar="BANDS")
    mask_value: float | None = option(
        None, "what is masked becomes this value (default: the mean of the spectrogram)", metavar="VALUE"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, without in (("loudest_of", 1), ("crop_margin", 0), ("time_stretch", 1)):
            value = getattr(self, name)
            if self.crop_frames is None and value != without:
                raise OptionError(f"{name}={value}: is about excerpts; add crop_frames=FRAMES")


@dataclass(frozen=True)
class TaggingOptions(AugmentationOptions):
    """How to train a model that learns from labels.

    Attributes:
        mixup: Zhang et al., mixup: Beyond Empirical Risk Minimization (ICLR 2018).
    """

    label_smoothing: float = option(
        0.0,
        "move this share of a target to all labels evenly; of several labels, towards 0.5",
        least=0,
        most=1,
        metavar="SHARE",
    )
    mixup: float = option(
        0.0,
        "mix each spectrogram of a batch, and its targets, with another one by a share drawn from Beta(A, A) (default:"
        " do not mix)",
        least=0,
        metavar="A",
    )
    class_balance: bool = option(
        False, "draw the instances of an epoch so that all labels are equally frequent (default: each instance once)"
    )
    verified_only: bool = option(
        False, "validate on those held-out recordings alone whose labels have been verified by hand"
    )


@dataclass(frozen=True)
class FittingOptions:
    """How to fit a model without gradients.

    Raises:
        OptionError: a value is beyond its limits.
    """

    num_epochs: int = option(10, "passes over what is learned from; 0 leaves random numbers", least=0)
    seed: int = option(
        0, "all random numbers follow from it: the same seed gives the same results", least=0, most=LARGEST_SEED
    )
    device: str = option("auto", "where to hold the data: cpu, cuda, cuda:N, mps, or auto: CUDA where there is one")

    def __post_init__(self) -> None:
        check_options(self)


def _other(name: str, default: Any) -> Any:
    return with_default(AugmentationOptions, name, default)


@dataclass(frozen=True)
class ContrastiveOptions(AugmentationOptions):
    """How to train a model that tells recordings apart from augmented excerpts of them.

    Raises:
        OptionError: as for the options of all trainings; or there are no excerpts.
    """

    batch_size: int = _other("batch_size", 128)
    num_epochs: int = _other("num_epochs", 50)
    learning_rate: float = _other("learning_rate", 3e-3)
    precision: str = _other("precision", "bfloat16")
    crop_frames: int | None = _other("crop_frames", 96)
    schedule: str = _other("schedule", "one-cycle")
    weight_decay: float = _other("weight_decay", 1e-3)
    gradient_limit: float = _other("gradient_limit", 0.0)
    loudest_of: int = _other("loudest_of", 3)
    time_stretch: float = _other("time_stretch", 1.3)
    freq_shift: float = _other("freq_shift", 3.0)
    freq_scale: float = _other("freq_scale", 1.1)
    equaliser: float = _other("equaliser", 3.0)
    gain: float = _other("gain", 4.0)
    power_mix: float = _other("power_mix", 0.3)
    noise_floor: float = _other("noise_floor", 20.0)
    clamp_min: float | None = _other("clamp_min", -1.0)
    clamp_max: float | None = _other("clamp_max", 1.3)
    gaussian_noise: float = _other("gaussian_noise", 0.03)
    time_masks: int = _other("time_masks", 1)
    freq_masks: int = _other("freq_masks", 1)
    freq_mask_bands: int = _other("freq_mask_bands", 12)
    mask_value: float | None = _other("mask_value", -0.4)
    passes: int = option(
        16, "draw so many excerpts of each recording in an epoch; 1 is enough for thousands of recordings", least=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop_frames is None:
            raise OptionError("crop_frames=None: excerpts are what is told apart; give them a length")


def options_type_of(model_type: type[Network]) -> type[TrainingOptions] | type[FittingOptions]:
    """The options that the training of a kind of model has."""
    if issubclass(model_type, FittedModel):
        return FittingOptions
    if issubclass(model_type, ContrastiveNetwork):
        return ContrastiveOptions
    return TaggingOptions if issubclass(model_type, Tagger) else TrainingOptions
