# SPDX-License-Identifier: GPL-3.0-or-later

# written by: python -m tests.support.stubs

from collections.abc import Sequence
from typing import Literal

from numpy.random import RandomState

from audeep.audio.front_ends.base import FrontEnd
from audeep.data.schema import Partition
from audeep.estimators.models import FrameEstimator, TaggerEstimator, VectorEstimator
from audeep.estimators.models import estimator as estimator
from audeep.estimators.spectrogram import Spectrogram as SpectrogramBase

class Spectrogram(SpectrogramBase):
    def __init__(
        self,
        *,
        window_width: float = 0.04,
        window_overlap: float = 0.02,
        mel_spectrum: int | None = None,
        chunk_length: float | None = None,
        chunk_count: int | None = None,
        clip_above: float | None = None,
        clip_below: float | None = None,
        channels: Literal["MEAN", "LEFT", "RIGHT", "DIFF"] = "MEAN",
        fixed_length: float | None = None,
        center_fixed: bool = False,
        sample_rate: int | None = None,
        relative_to: Literal["frame", "previous", "neighbours", None] = None,
        front_end: FrontEnd | str = "mel",
    ) -> None: ...

class TimeAutoencoder(VectorEstimator):
    def __init__(
        self,
        *,
        num_layers: int = 1,
        num_units: int = 16,
        bidirectional_encoder: bool = False,
        bidirectional_decoder: bool = False,
        keep_prob: float = 0.8,
        encoder_noise: float = 0.0,
        feed_previous_prob: float = 0.0,
        cell: Literal["GRU", "LSTM"] = "GRU",
        mask_silence: bool = False,
        masked_frames: float = 0.0,
        mask_span: int = 6,
        pooled: bool = False,
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 0.001,
        device: str = "auto",
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        crop_frames: int | None = None,
        schedule: Literal["constant", "cosine"] = "constant",
        validation_split: float | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        validation_partition: Sequence[Partition | str] | None = None,
        random_state: int | RandomState | None = 0,
    ) -> None: ...

class FrequencyAutoencoder(FrameEstimator):
    def __init__(
        self,
        *,
        freq_window_width: int = 32,
        freq_window_overlap: int = 24,
        num_layers: int = 1,
        num_units: int = 16,
        bidirectional_encoder: bool = False,
        bidirectional_decoder: bool = False,
        keep_prob: float = 0.8,
        encoder_noise: float = 0.0,
        feed_previous_prob: float = 0.0,
        cell: Literal["GRU", "LSTM"] = "GRU",
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 0.001,
        device: str = "auto",
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        crop_frames: int | None = None,
        schedule: Literal["constant", "cosine"] = "constant",
        validation_split: float | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        validation_partition: Sequence[Partition | str] | None = None,
        random_state: int | RandomState | None = 0,
    ) -> None: ...

class FrequencyTimeAutoencoder(VectorEstimator):
    def __init__(
        self,
        *,
        freq_window_width: int = 32,
        freq_window_overlap: int = 24,
        num_f_layers: int = 1,
        num_f_units: int = 64,
        num_t_layers: int = 2,
        num_t_units: int = 128,
        bidirectional_f_encoder: bool = False,
        bidirectional_f_decoder: bool = False,
        bidirectional_t_encoder: bool = False,
        bidirectional_t_decoder: bool = False,
        keep_prob: float = 0.8,
        f_encoder_noise: float = 0.0,
        t_encoder_noise: float = 0.0,
        f_feed_previous_prob: float = 0.0,
        t_feed_previous_prob: float = 0.0,
        cell: Literal["GRU", "LSTM"] = "GRU",
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 0.001,
        device: str = "auto",
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        crop_frames: int | None = None,
        schedule: Literal["constant", "cosine"] = "constant",
        validation_split: float | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        validation_partition: Sequence[Partition | str] | None = None,
        random_state: int | RandomState | None = 0,
    ) -> None: ...

class MaskedFramesAutoencoder(VectorEstimator):
    def __init__(
        self,
        *,
        num_layers: int = 1,
        num_units: int = 16,
        bidirectional_encoder: bool = False,
        keep_prob: float = 0.8,
        encoder_noise: float = 0.0,
        cell: Literal["GRU", "LSTM"] = "GRU",
        mask_silence: bool = False,
        masked_frames: float = 0.0,
        mask_span: int = 6,
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 0.001,
        device: str = "auto",
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        crop_frames: int | None = None,
        schedule: Literal["constant", "cosine"] = "constant",
        validation_split: float | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        validation_partition: Sequence[Partition | str] | None = None,
        random_state: int | RandomState | None = 0,
    ) -> None: ...

class VggGap(TaggerEstimator):
    def __init__(
        self,
        *,
        width: int = 64,
        keep_prob: float = 0.7,
        top_keep_prob: float = 0.5,
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 0.001,
        device: str = "auto",
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        crop_frames: int | None = None,
        schedule: Literal["constant", "cosine"] = "constant",
        validation_split: float | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        validation_partition: Sequence[Partition | str] | None = None,
        random_state: int | RandomState | None = 0,
    ) -> None: ...

class MobileNetV1(TaggerEstimator):
    def __init__(
        self,
        *,
        width: float = 1.0,
        pooling: Literal["mean", "max"] = "mean",
        keep_prob: float = 1.0,
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 0.001,
        device: str = "auto",
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        crop_frames: int | None = None,
        schedule: Literal["constant", "cosine"] = "constant",
        validation_split: float | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        validation_partition: Sequence[Partition | str] | None = None,
        random_state: int | RandomState | None = 0,
    ) -> None: ...

class Conv1d(TaggerEstimator):
    def __init__(
        self,
        *,
        width: int = 16,
        keep_prob: float = 0.9,
        top_keep_prob: float = 0.8,
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 0.001,
        device: str = "auto",
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        crop_frames: int | None = None,
        schedule: Literal["constant", "cosine"] = "constant",
        validation_split: float | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        validation_partition: Sequence[Partition | str] | None = None,
        random_state: int | RandomState | None = 0,
    ) -> None: ...

class MfccCnn(TaggerEstimator):
    def __init__(
        self,
        *,
        width: int = 32,
        batch_size: int = 64,
        num_epochs: int = 10,
        learning_rate: float = 0.001,
        device: str = "auto",
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        crop_frames: int | None = None,
        schedule: Literal["constant", "cosine"] = "constant",
        validation_split: float | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        validation_partition: Sequence[Partition | str] | None = None,
        random_state: int | RandomState | None = 0,
    ) -> None: ...
