# SPDX-License-Identifier: GPL-3.0-or-later
"""Generation of features with trained models."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.data.data_set import DataSet, load
from audeep.errors import ModelError, OptionError, ShapeError
from audeep.models.checkpoints import load_model
from audeep.models.time_autoencoder import TimeAutoencoder
from audeep.pipeline.generate import generate
from audeep.training.options import TrainingOptions
from audeep.training.trainer import train

CONFIG = dict(num_units=3, num_layers=2, bidirectional_decoder=True, keep_prob=0.5, encoder_noise=0.5)


@pytest.fixture
def logs(tmp_path: Path, make_spectrograms: Callable) -> Path:
    """Checkpoints of steps 3, 6 and 9."""
    options = TrainingOptions(batch_size=4, num_epochs=3, device="cpu", learning_rate=0.02)
    train(
        [make_spectrograms(10)],
        "t-rae",
        tmp_path / "run",
        CONFIG,
        options,
    )
    return tmp_path / "run" / "logs"


def embedded(logs: Path, data_set: DataSet, step: int | None = None) -> np.ndarray:
    with torch.no_grad():
        return load_model(logs, step)[0].eval().embed(torch.from_numpy(data_set.features)).numpy()


@pytest.mark.parametrize("batch_size", [1, 4, 500])
def test_features_are_the_embeddings_whatever_the_batch_size(
    tmp_path: Path, logs: Path, make_spectrograms: Callable, batch_size: int
) -> None:
    data_set = make_spectrograms(9, seed=2)
    generate(logs, data_set, [tmp_path / "out.nc"], batch_size=batch_size, device="cpu")
    generated = load(tmp_path / "out.nc")
    assert generated.feature_dims == ("generated",)
    assert generated.feature_shape == (2 * 2 * 3,)  # layers, directions of the decoder, units
    np.testing.assert_allclose(generated.features, embedded(logs, data_set), atol=1e-6)


def test_metadata_are_carried_over(tmp_path: Path, logs: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(9)
    data_set.labels_nominal[4], data_set.labels_numeric[4], data_set.partition[5] = None, np.nan, np.nan
    generate(logs, data_set, [tmp_path / "out.nc"], batch_size=2)
    generated = load(tmp_path / "out.nc")
    assert generated.label_map == data_set.label_map
    assert generated.metadata.keys() == data_set.metadata.keys()
    for name, column in data_set.metadata.items():
        np.testing.assert_array_equal(generated.metadata[name], column, err_msg=name)


def test_each_step_has_its_output(tmp_path: Path, logs: Path, make_spectrograms: Callable) -> None:
    data_set, outputs = make_spectrograms(5), [tmp_path / "nine.nc", tmp_path / "three.nc"]
    generate(logs, data_set, outputs, steps=[9, 3])
    nine, three = (load(output).features for output in outputs)
    np.testing.assert_allclose(nine, embedded(logs, data_set, 9), atol=1e-6)
    np.testing.assert_allclose(three, embedded(logs, data_set, 3), atol=1e-6)
    assert np.abs(nine - three).max() > 1e-3


def test_newest_step_is_the_default(tmp_path: Path, logs: Path, make_spectrograms: Callable) -> None:
    generate(logs, make_spectrograms(5), [tmp_path / "out.nc"])
    np.testing.assert_allclose(load(tmp_path / "out.nc").features, embedded(logs, make_spectrograms(5), 9), atol=1e-6)


def test_features_come_straight_from_a_file(tmp_path: Path, logs: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(9)
    data_set.save(tmp_path / "in.nc")
    generate(logs, load(tmp_path / "in.nc"), [tmp_path / "out.nc"], batch_size=4)
    np.testing.assert_allclose(load(tmp_path / "out.nc").features, embedded(logs, data_set), atol=1e-6)


@pytest.mark.parametrize(
    "steps, count, message",
    [
        (None, 2, "2 outputs for 1 training steps; give one output for each step"),
        ([3, 6], 1, "1 outputs for 2 training steps"),
        ([3, 6], 3, "3 outputs for 2 training steps"),
    ],
)
def test_wrong_number_of_outputs_is_refused(
    tmp_path: Path, logs: Path, make_spectrograms: Callable, steps: list[int] | None, count: int, message: str
) -> None:
    outputs = [tmp_path / "out" / f"{index}.nc" for index in range(count)]
    with pytest.raises(OptionError, match=message):
        generate(logs, make_spectrograms(), outputs, steps)
    assert not (tmp_path / "out").exists()


def test_unfit_models_are_refused_and_nothing_is_written(
    tmp_path: Path, logs: Path, make_spectrograms: Callable
) -> None:
    (tmp_path / "empty").mkdir()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "model-3.safetensors").write_bytes((logs / "model-3.safetensors").read_bytes()[:-8])
    one, two = [tmp_path / "out" / "a.nc"], [tmp_path / "out" / "a.nc", tmp_path / "out" / "b.nc"]
    for directory, outputs, options, message in [
        (tmp_path / "empty", one, {}, r"empty: has no checkpoints \(model-<step>.safetensors\)"),
        (tmp_path / "nowhere", one, {}, "nowhere: no such directory"),
        (damaged, one, {}, r"model-3.safetensors: cannot be read \(.*\); it is damaged"),
        (logs, two, {"steps": [3, 7]}, "has no checkpoint of step 7; there are checkpoints of steps 3, 6, 9"),
        (logs, one, {"kind": "f-rae"}, "is a t-rae model, f-rae was expected; use 'audeep t-rae'"),
    ]:
        with pytest.raises(ModelError, match=message):
            generate(directory, make_spectrograms(), outputs, **options)
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "shape, found", [(dict(steps=7), "7 x 4"), (dict(bands=5), "6 x 5"), (dict(steps=4, bands=6), "4 x 6")]
)
def test_spectrograms_of_another_shape_are_refused(
    tmp_path: Path, logs: Path, make_spectrograms: Callable, shape: dict, found: str
) -> None:
    with pytest.raises(ShapeError, match=f"shape {found}, the model in .*logs was trained on 6 x 4; run 'audeep prep"):
        generate(logs, make_spectrograms(**shape), [tmp_path / "out" / "a.nc"])
    assert not (tmp_path / "out").exists()


def test_missing_device_is_refused(tmp_path: Path, logs: Path, make_spectrograms: Callable) -> None:
    with pytest.raises(OptionError, match="device 'cuda:99' cannot be used here; choose one of: auto, cpu"):
        generate(logs, make_spectrograms(), [tmp_path / "out" / "a.nc"], device="cuda:99")
    assert not (tmp_path / "out").exists()


def test_a_failure_on_the_way_leaves_no_file(
    tmp_path: Path, logs: Path, make_spectrograms: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = TimeAutoencoder.embed, []

    def fail_at_third_call(self: TimeAutoencoder, spectrograms: torch.Tensor, lengths: None = None) -> torch.Tensor:
        calls.append(spectrograms)
        if len(calls) == 3:
            raise RuntimeError("out of memory")
        return original(self, spectrograms)

    monkeypatch.setattr(TimeAutoencoder, "embed", fail_at_third_call)
    (tmp_path / "out").mkdir()
    with pytest.raises(RuntimeError, match="out of memory"):
        generate(logs, make_spectrograms(), [tmp_path / "out" / "a.nc"], batch_size=4)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.slow
def test_padding_changes_no_feature(tmp_path: Path, logs: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(9, steps=14, lengths=[14, 2, 5])
    data_set.save(tmp_path / "spectra.nc")
    generate(logs, load(tmp_path / "spectra.nc"), [tmp_path / "out.nc"], batch_size=4)
    generated = load(tmp_path / "out.nc")
    for instance, found in zip(data_set, generated, strict=True):
        alone = make_spectrograms(1, steps=instance.num_frames)
        alone.features[0] = instance.features[: instance.num_frames]
        np.testing.assert_allclose(found.features, embedded(logs, alone)[0], atol=1e-6)
        assert found.num_frames is None  # there is no axis of time any more


@pytest.mark.slow
def test_features_of_frames_keep_their_numbers(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(9, steps=14, lengths=[14, 2, 5])
    options = TrainingOptions(batch_size=4, num_epochs=1, device="cpu")
    train(
        [data_set],
        "f-rae",
        tmp_path / "f",
        {"freq_window_width": 2, "freq_window_overlap": 1},
        options,
    )
    generate(tmp_path / "f" / "logs", data_set, [tmp_path / "frames.nc"], batch_size=4)
    frames = load(tmp_path / "frames.nc")
    assert frames.num_frames.tolist() == data_set.num_frames.tolist() and frames.is_padded
    for instance in frames:
        assert instance.features[: instance.num_frames].all() and not instance.features[instance.num_frames :].any()
    train([frames], "t-rae", tmp_path / "t", options=options)
    generate(tmp_path / "t" / "logs", frames, [tmp_path / "out.nc"])
    assert load(tmp_path / "out.nc").feature_dims == ("generated",)


def test_spectrograms_made_otherwise_are_refused_unless_any_are_wanted(
    tmp_path: Path, make_spectrograms: Callable
) -> None:
    def made(**settings: float) -> DataSet:
        data_set = make_spectrograms(6)
        data_set.data.attrs["preprocessing"] = json.dumps(settings)
        return data_set

    options = TrainingOptions(batch_size=4, num_epochs=1, device="cpu")
    train([made(clip_below=-60.0, sample_rate=8000)], "t-rae", tmp_path / "run", options=options)
    logs, out = tmp_path / "run/logs", tmp_path / "f.nc"
    other = made(clip_below=-45.0, sample_rate=16000)
    with pytest.raises(OptionError) as refused:
        generate(logs, other, [out])
    for text in ("clip_below -45.0 rather than -60.0", "sample_rate 16000 rather than 8000", "any_preprocessing=True"):
        assert text in str(refused.value)
    assert not out.exists()
    generate(logs, other, [out], any_preprocessing=True)
    for same in (made(clip_below=-60.0, sample_rate=8000), make_spectrograms(6)):  # of the latter nothing is known
        generate(logs, same, [out])
