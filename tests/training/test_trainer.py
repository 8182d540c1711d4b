# SPDX-License-Identifier: GPL-3.0-or-later
"""Training: what a run leaves behind, and that it can be repeated and resumed to the byte."""

import io
import json
import logging
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import safetensors
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch.optim.optimizer import register_optimizer_step_pre_hook

from audeep.data.data_set import DataSet, empty, load
from audeep.errors import AudeepError, DataError, ModelError, OptionError, OutputError, ShapeError
from audeep.models import checkpoints
from audeep.models.checkpoints import Progress, load_model, steps_in
from audeep.models.devices import select_device
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig
from audeep.pipeline.generate import generate
from audeep.training import trainer
from audeep.training.batches import Batches
from audeep.training.options import TrainingOptions
from audeep.training.trainer import train
from tests.support.training import after_step, interrupt, terminate

RANDOM = dict(num_units=3, keep_prob=0.7, encoder_noise=0.3, feed_previous_prob=0.5)  # all that draws random numbers


def run(
    directory: Path,
    data_sets: DataSet | list[DataSet],
    *,
    resume: bool = False,
    config: dict | None = None,
    model_type: type = TimeAutoencoder,
    **options: object,
) -> TimeAutoencoder:
    """Train with 4 instances per step, for 2 epochs."""
    return train(
        data_sets if isinstance(data_sets, list) else [data_sets],
        model_type,
        directory,
        RANDOM if config is None else config,
        TrainingOptions(**{"batch_size": 4, "num_epochs": 2, "device": "cpu", **options}),
        resume=resume,
    )


def checkpoints_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((directory / "logs").glob("*.safetensors"))}


def events_of(directory: Path) -> EventAccumulator:
    return EventAccumulator(str(directory / "logs"), size_guidance={"images": 0, "scalars": 0}).Reload()


@pytest.mark.slow
def test_loss_falls(tmp_path: Path, make_spectrograms: Callable) -> None:
    config = dict(num_units=16, bidirectional_decoder=True)
    run(tmp_path, make_spectrograms(32), config=config, num_epochs=15, learning_rate=0.01)
    losses = [event.value for event in events_of(tmp_path).Scalars("loss/epoch")]
    assert len(losses) == 15
    assert losses[-1] < 0.6 * losses[0]


def test_checkpoint_appears_after_each_epoch(tmp_path: Path, make_spectrograms: Callable) -> None:
    model = run(tmp_path, make_spectrograms(10), num_epochs=3)  # 3 steps per epoch, the last on 2 instances
    assert list(checkpoints_of(tmp_path)) == [
        "model-3.safetensors",
        "model-6.safetensors",
        "model-9.optimiser.safetensors",
        "model-9.safetensors",
    ]
    loaded, progress = load_model(tmp_path / "logs")
    assert progress == Progress(step=9, epoch=3, seed=0)
    assert asdict(loaded.config) == {**asdict(TimeAutoencoderConfig(num_steps=6, num_features=4)), **RANDOM}
    for name, weights in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weights)


def test_newest_checkpoints_are_kept(tmp_path: Path, make_spectrograms: Callable) -> None:
    run(tmp_path, make_spectrograms(8), num_epochs=5, checkpoints_to_keep=2)
    assert steps_in(tmp_path / "logs") == [8, 10]


def test_first_step_is_adam_on_clipped_gradients_of_the_first_batch(
    tmp_path: Path, make_spectrograms: Callable
) -> None:
    """The first step of Adam moves each weight by rate * g / (|g| + 1e-8)."""
    data_set, rate = make_spectrograms(4), 0.01
    trained = run(tmp_path, data_set, config=dict(keep_prob=1.0), num_epochs=1, learning_rate=rate, seed=5)
    torch.manual_seed(5)
    model = TimeAutoencoder(TimeAutoencoderConfig(6, 4, keep_prob=1.0))
    model.loss(torch.from_numpy(data_set.features)).backward()
    for before, after in zip(model.parameters(), trained.parameters(), strict=True):
        sizeable = before.grad.abs() > 1e-5  # of smaller ones the sign may depend on the order of the sum
        expected = before - rate * before.grad / (before.grad.abs() + 1e-8)
        torch.testing.assert_close(after[sizeable], expected[sizeable], atol=2e-5, rtol=0)


class SteepAutoencoder(TimeAutoencoder):
    """Has large gradients, and keeps them as they were before they were clipped."""

    def __init__(self, config: TimeAutoencoderConfig) -> None:
        super().__init__(config)
        self.raw = {}
        for name, weights in self.named_parameters():
            weights.register_hook(partial(self.raw.__setitem__, name))

    def loss(self, spectrograms: torch.Tensor, lengths: None = None) -> torch.Tensor:
        return 100 * super().loss(spectrograms, lengths)


def test_every_gradient_value_is_clipped_to_two(tmp_path: Path, make_spectrograms: Callable) -> None:
    used = []

    def keep_gradients(optimiser: torch.optim.Optimizer, *_: object) -> None:
        used[:] = [weights.grad.clone() for group in optimiser.param_groups for weights in group["params"]]

    handle = register_optimizer_step_pre_hook(keep_gradients)
    try:
        model = run(tmp_path, make_spectrograms(4), model_type=SteepAutoencoder, num_epochs=1)
    finally:
        handle.remove()
    raw = torch.cat([model.raw[name].flatten() for name, _ in model.named_parameters()])
    assert (raw > 2).any() and (raw < -2).any() and (raw.abs() < 2).any()
    torch.testing.assert_close(torch.cat([gradient.flatten() for gradient in used]), raw.clamp(-2, 2))


def test_same_seed_gives_the_same_bytes(tmp_path: Path, make_spectrograms: Callable) -> None:
    torch.manual_seed(1)
    run(tmp_path / "a", make_spectrograms(), seed=3)
    torch.manual_seed(2)
    np.random.seed(2)
    run(tmp_path / "b", make_spectrograms(), seed=3)
    assert checkpoints_of(tmp_path / "a") == checkpoints_of(tmp_path / "b")


def test_another_seed_gives_other_weights_and_another_order(tmp_path: Path, make_spectrograms: Callable) -> None:
    without_randomness = dict(num_units=3, keep_prob=1.0)
    one, other = (
        run(tmp_path / str(seed), make_spectrograms(), seed=seed, config=without_randomness) for seed in (3, 4)
    )
    for name, weights in one.state_dict().items():
        if "bias_hh" not in name:
            assert not torch.equal(weights, other.state_dict()[name]), name


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["GRU", "LSTM"])
def test_resumed_training_ends_in_the_same_bytes_as_an_uninterrupted_one(
    tmp_path: Path, make_spectrograms: Callable, cell: str
) -> None:
    config = {**RANDOM, "cell": cell}
    run(tmp_path / "whole", make_spectrograms(), num_epochs=4, seed=8, config=config)
    for epochs in (1, 3, 4):
        torch.manual_seed(epochs)
        run(tmp_path / "parts", make_spectrograms(), num_epochs=epochs, seed=8, config=config, resume=epochs > 1)
    assert len(checkpoints_of(tmp_path / "whole")) == 5
    assert checkpoints_of(tmp_path / "parts") == checkpoints_of(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_reduced_precision_trains_nearly_the_same_and_resumes_exactly(
    tmp_path: Path, make_spectrograms: Callable, precision: str
) -> None:
    exact = run(tmp_path / "exact", make_spectrograms(), num_epochs=3)
    reduced = run(tmp_path / "whole", make_spectrograms(), num_epochs=3, precision=precision)
    for name, weights in reduced.state_dict().items():
        assert weights.dtype == torch.float32
        torch.testing.assert_close(weights, exact.state_dict()[name], rtol=0, atol=0.02)  # 9 steps of Adam at 0.001
    assert any(not torch.equal(weights, exact.state_dict()[name]) for name, weights in reduced.state_dict().items())
    run(tmp_path / "parts", make_spectrograms(), num_epochs=1, precision=precision)
    run(tmp_path / "parts", make_spectrograms(), num_epochs=3, precision=precision, resume=True)
    assert checkpoints_of(tmp_path / "parts") == checkpoints_of(tmp_path / "whole")


@pytest.mark.slow
def test_training_that_was_stopped_within_an_epoch_can_be_resumed(
    tmp_path: Path, make_spectrograms: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path / "whole", make_spectrograms(), num_epochs=3)
    with after_step(5, interrupt), pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", make_spectrograms(), num_epochs=3)
    assert steps_in(tmp_path / "stopped" / "logs") == [3]
    run(tmp_path / "stopped", make_spectrograms(), num_epochs=3, resume=True)
    assert checkpoints_of(tmp_path / "stopped") == checkpoints_of(tmp_path / "whole")
    for tag in ("loss/step", "loss/epoch"):  # what was logged of the epoch that was stopped counts no more
        whole, stopped = (
            [(event.step, event.value) for event in events_of(tmp_path / name).Scalars(tag)]
            for name in ("whole", "stopped")
        )
        assert stopped == whole


def test_resuming_a_finished_training_does_nothing(
    tmp_path: Path, make_spectrograms: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    run(tmp_path, make_spectrograms())
    before = {path: path.read_bytes() for path in (tmp_path / "logs").iterdir()}
    with caplog.at_level(logging.INFO):
        for epochs in (2, 1):
            run(tmp_path, make_spectrograms(), num_epochs=epochs, resume=True)
    assert {path: path.read_bytes() for path in (tmp_path / "logs").iterdir()} == before
    assert caplog.messages == [f"{tmp_path / 'logs'}: 2 epochs have been trained already, nothing to do"] * 2


def test_resumed_training_uses_the_learning_rate_that_is_asked_for(tmp_path: Path, make_spectrograms: Callable) -> None:
    before = run(tmp_path, make_spectrograms(), num_epochs=1)
    after = run(tmp_path, make_spectrograms(), num_epochs=2, learning_rate=1e-12, resume=True)
    for one, other in zip(before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=0)


def test_fresh_run_into_a_directory_with_checkpoints_fails_before_it_does_anything(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for step in (5, 10):
        (logs / f"model-{step}.safetensors").write_bytes(b"not to be read")
    message = (
        "logs: already has a checkpoint of step 10; add resume=True to go on from it, or choose another run_name=DIR"
    )
    with pytest.raises(ModelError, match=message):
        run(tmp_path, [])  # data sets are not looked at either
    assert sorted(path.name for path in logs.iterdir()) == ["model-10.safetensors", "model-5.safetensors"]


@pytest.mark.parametrize("exists", [False, True])
def test_resuming_without_checkpoints_fails(tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "run" / "logs").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ModelError, match="logs: has no checkpoint to continue from; leave out resume=True to start"):
        run(tmp_path / "run", [], resume=True)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "config, found, asked",
    [
        ({"num_units": 5}, "num_units 3", "5"),
        ({"num_layers": 2}, "num_layers 1", "2"),
        ({"cell": "LSTM"}, "cell GRU", "LSTM"),
        ({"bidirectional_decoder": True}, "bidirectional_decoder False", "True"),
        ({"keep_prob": 0.5}, "keep_prob 0.7", "0.5"),
    ],
)
def test_resuming_with_another_architecture_is_refused(
    tmp_path: Path, make_spectrograms: Callable, config: dict, found: str, asked: str
) -> None:
    run(tmp_path, make_spectrograms(), num_epochs=1)
    before = {path: path.read_bytes() for path in (tmp_path / "logs").iterdir()}
    with pytest.raises(ModelError, match=f"the model has {found}, but {asked} was asked for; continue with") as caught:
        run(tmp_path, make_spectrograms(), config={**RANDOM, **config}, resume=True)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in (tmp_path / "logs").iterdir()} == before


def test_resuming_on_another_shape_is_refused(tmp_path: Path, make_spectrograms: Callable) -> None:
    run(tmp_path, make_spectrograms(), num_epochs=1)
    with pytest.raises(ModelError, match="the model has num_steps 6, but 7 was asked for; continue with the options"):
        run(tmp_path, make_spectrograms(steps=7), resume=True)


def test_several_inputs_train_like_one_that_joins_them(tmp_path: Path, make_spectrograms: Callable) -> None:
    joined = make_spectrograms(11)
    run(tmp_path / "one", joined)
    run(tmp_path / "several", [joined[:3], joined[3:4], joined[4:]])
    assert checkpoints_of(tmp_path / "several") == checkpoints_of(tmp_path / "one")


@pytest.mark.slow
def test_training_is_the_same_from_memory_and_straight_from_the_file(
    tmp_path: Path, make_spectrograms: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_spectrograms().save(tmp_path / "data.nc")
    run(tmp_path / "memory", load(tmp_path / "data.nc"))
    monkeypatch.setattr(trainer, "Batches", partial(Batches, memory_bytes=0))
    run(tmp_path / "file", load(tmp_path / "data.nc"))
    assert checkpoints_of(tmp_path / "file") == checkpoints_of(tmp_path / "memory")


def test_unfit_data_are_refused_and_nothing_is_written(tmp_path: Path, make_spectrograms: Callable) -> None:
    good = make_spectrograms()
    for data_sets, error, message in [
        ([good, make_spectrograms(bands=5)], ShapeError, "input 2 has spectrograms of shape 6 x 5, the first 6 x 4"),
        ([empty(4, [("generated", 7)])], ShapeError, r"spectrograms \[time, freq\] are needed"),
        ([good[:0]], DataError, "there are no instances to train on"),
    ]:
        with pytest.raises(error, match=message):
            run(tmp_path / "run", data_sets)
        assert not (tmp_path / "run").exists()


def test_events_hold_the_losses(tmp_path: Path, make_spectrograms: Callable) -> None:
    run(tmp_path, make_spectrograms(10), num_epochs=3)
    events = events_of(tmp_path)
    by_step, by_epoch = events.Scalars("loss/step"), events.Scalars("loss/epoch")
    assert [event.step for event in by_step] == list(range(1, 10))
    assert [event.step for event in by_epoch] == [3, 6, 9]
    means = np.array([event.value for event in by_step]).reshape(3, 3).mean(axis=1)
    np.testing.assert_allclose([event.value for event in by_epoch], means, rtol=1e-5)


@pytest.mark.parametrize("count, shown", [(3, 3), (9, 4)])
def test_events_show_reconstructions_above_originals(
    tmp_path: Path, make_spectrograms: Callable, count: int, shown: int
) -> None:
    data_set = make_spectrograms(count)
    model = run(tmp_path, data_set, config=dict(num_units=3)).eval()
    spectrograms = torch.from_numpy(data_set.features[:shown])
    with torch.no_grad():
        pairs = torch.cat([spectrograms, model.reconstruct(spectrograms)], dim=2)  # [instance, time, 2 * freq]
    expected = torch.cat([pair.T.flip(0) for pair in pairs], dim=1)  # side by side, low bands at the bottom
    first, last = events_of(tmp_path).Images("reconstruction above original")  # one per epoch
    assert (first.step, last.step) == (-(-count // 4), 2 * -(-count // 4))
    assert first.encoded_image_string != last.encoded_image_string
    pixels = np.asarray(Image.open(io.BytesIO(last.encoded_image_string))) / 255
    colours = matplotlib.colormaps["magma"]((expected.numpy() + 1) / 2)[..., :3]
    np.testing.assert_allclose(pixels, colours, atol=0.02)


def test_events_hold_the_hyperparameters_without_another_run(tmp_path: Path, make_spectrograms: Callable) -> None:
    run(tmp_path, make_spectrograms(10), validation_split=0.2, num_epochs=3)
    events, content = events_of(tmp_path), {}
    for tag in events.PluginTagToContent("hparams"):
        data = HParamsPluginData()
        data.ParseFromString(events.PluginTagToContent("hparams")[tag])
        content[tag] = data
    given = content["_hparams_/session_start_info"].session_start_info.hparams
    assert (given["num_units"].number_value, given["batch_size"].number_value) == (3, 4)
    assert given["cell"].string_value == "GRU" and given["keep_best"].bool_value is False
    assert given["run_name"].string_value == str(tmp_path) and "patience" not in given
    compared = [info.name.tag for info in content["_hparams_/experiment"].experiment.metric_infos]
    assert compared == ["loss/epoch", "loss/validation", "loss/best"] and set(compared) < set(events.Tags()["scalars"])
    validated = [event.value for event in events.Scalars("loss/validation")]
    assert [event.value for event in events.Scalars("loss/best")] == list(np.minimum.accumulate(validated))
    assert content["_hparams_/session_end_info"].session_end_info.status == 1  # success
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert not any(path.is_dir() for path in (tmp_path / "logs").iterdir())


def test_each_epoch_logs_one_line(
    tmp_path: Path, make_spectrograms: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="audeep"):
        run(tmp_path, make_spectrograms(10))
    losses = [event.value for event in events_of(tmp_path).Scalars("loss/epoch")]
    lines = [record.getMessage() for record in caplog.records if record.name == "audeep.training.trainer"]
    assert [line.split(" batches")[0] for line in lines] == [
        f"epoch {epoch} of 2: loss {loss:.4f}, 3" for epoch, loss in enumerate(losses, 1)
    ]
    assert lines[1].endswith("model-6.safetensors")


def test_devices_are_chosen_by_name() -> None:
    assert select_device("cpu") == torch.device("cpu")
    assert select_device().type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["cuda:99", "abacus", "cuda:x", ""])
def test_missing_device_is_refused(tmp_path: Path, make_spectrograms: Callable, name: str) -> None:
    with pytest.raises(OptionError, match=f"device '{name}' cannot be used here; choose one of: auto, cpu"):
        run(tmp_path / "run", make_spectrograms(), device=name)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("blocked", ["run", "run/logs"])
def test_a_file_in_the_way_of_the_run_directory_is_an_error_of_one_line(tmp_path, make_spectrograms, blocked):
    (tmp_path / blocked).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / blocked).write_text("in the way")
    with pytest.raises(AudeepError):
        run(tmp_path / "run", make_spectrograms())


def test_nan_features_are_refused_before_a_model_is_ruined(tmp_path, make_spectrograms):
    data_set = make_spectrograms()
    data_set.features[3, 1, 1] = np.nan
    with pytest.raises(DataError):
        run(tmp_path / "run", data_set)


@pytest.mark.parametrize("name", ["meta", "hpu", "privateuseone"])
def test_devices_that_cannot_compute_are_refused(name):
    with pytest.raises(OptionError):
        select_device(name)


def test_a_full_disk_is_an_output_error(tmp_path, make_spectrograms, monkeypatch):
    def full(*_):
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("audeep.models.tensors.save_file", full)
    with pytest.raises(OutputError):
        run(tmp_path / "run", make_spectrograms())


@pytest.mark.parametrize("other", ["model-3.optimiser.safetensors", "model-3.safetensors"])
def test_the_state_of_another_optimiser_is_refused(tmp_path, make_spectrograms, other):
    run(tmp_path / "a", make_spectrograms(), num_epochs=1)
    run(tmp_path / "b", make_spectrograms(), num_epochs=1, config={**RANDOM, "num_units": 5})
    shutil.copy(tmp_path / "b/logs" / other, tmp_path / "a/logs/model-3.optimiser.safetensors")
    with pytest.raises(ModelError, match="model-3.optimiser.safetensors: .*; it is damaged, or of another model"):
        run(tmp_path / "a", make_spectrograms(), resume=True)


@pytest.mark.parametrize("second", ["directory", "a.nc"])
def test_outputs_that_cannot_both_be_written_leave_none(tmp_path, make_spectrograms, second):
    run(tmp_path / "run", make_spectrograms())
    (tmp_path / "directory").mkdir()
    with pytest.raises(AudeepError):
        generate(tmp_path / "run/logs", make_spectrograms(), [tmp_path / "a.nc", tmp_path / second], [3, 6])
    assert not (tmp_path / "a.nc").exists()


# what may befall a run


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_terminated_run_goes_on_to_the_same_bytes(tmp_path, make_spectrograms, monkeypatch, step):
    before = signal.getsignal(signal.SIGTERM)
    run(tmp_path / "whole", make_spectrograms())  # 3 steps in each of 2 epochs
    with (
        after_step(step, terminate),
        pytest.raises(AudeepError, match=f"terminated at step {step}, whose model is written; go on with resume=True"),
    ):
        run(tmp_path / "stopped", make_spectrograms())
    assert steps_in(tmp_path / "stopped" / "logs")[-1] == step
    assert signal.getsignal(signal.SIGTERM) == before
    run(tmp_path / "stopped", make_spectrograms(), resume=True)
    found, expected = checkpoints_of(tmp_path / "stopped"), checkpoints_of(tmp_path / "whole")
    for name in ("model-6.safetensors", "model-6.optimiser.safetensors"):
        assert found[name] == expected[name]


def test_ctrl_c_writes_a_checkpoint_and_says_how_to_go_on(tmp_path, make_spectrograms, monkeypatch):
    expected = "interrupted at step 2, whose model is written; go on with resume=True"
    with after_step(2, lambda _: os.kill(os.getpid(), signal.SIGINT)), pytest.raises(KeyboardInterrupt, match=expected):
        run(tmp_path, make_spectrograms())
    assert steps_in(tmp_path / "logs") == [2]
    run(tmp_path, make_spectrograms(), resume=True)
    assert steps_in(tmp_path / "logs")[-1] == 6


@pytest.mark.parametrize(("count", "options"), [(10, {"batch_size": 5}), (11, {})])
def test_the_middle_of_an_epoch_needs_the_batches_of_the_first_run(
    tmp_path, make_spectrograms, monkeypatch, count, options
):
    with after_step(2, terminate), pytest.raises(AudeepError, match="terminated"):
        run(tmp_path, make_spectrograms())
    with pytest.raises(ModelError, match="left in the middle of an epoch of 10 instances in batches of 4, found 1"):
        run(tmp_path, make_spectrograms(count), resume=True, **options)


def test_what_a_killed_run_left_half_written_is_removed(tmp_path, make_spectrograms):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / ".model-1.01234567.partial.safetensors").touch()
    (tmp_path / "logs" / ".settings.json").touch()
    run(tmp_path, make_spectrograms())
    assert [path.name for path in (tmp_path / "logs").glob(".*")] == [".settings.json"]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_that_not_all_libraries_take_are_refused(seed):
    with pytest.raises(OptionError, match=f"seed={seed}: expected an integer >= 0 and <= 4294967295"):
        TrainingOptions(seed=seed)


def test_a_run_that_is_terminated_at_its_end_ends_well(tmp_path, make_spectrograms, monkeypatch):
    with after_step(6, terminate):
        run(tmp_path, make_spectrograms())
    assert steps_in(tmp_path / "logs") == [3, 6]


def test_two_trainings_cannot_share_a_run_directory(tmp_path, make_spectrograms, monkeypatch):
    refused = []

    def start_another(_: object) -> None:
        with pytest.raises(OutputError, match="logs: another process is writing there; wait for it to end") as caught:
            run(tmp_path, make_spectrograms())
        refused.append(caught.value)

    with after_step(2, start_another):
        run(tmp_path, make_spectrograms())
    assert len(refused) == 1 and steps_in(tmp_path / "logs") == [3, 6]
    assert not [path for path in (tmp_path / "logs").iterdir() if path.name.startswith(".")]
    run(tmp_path, make_spectrograms(), resume=True, num_epochs=3)  # the lock is gone


@pytest.mark.parametrize(("epoch", "kept"), [(1, "there is no model yet"), (2, "the model of step 3 is kept")])
def test_training_that_diverges_stops_and_keeps_the_last_good_model(
    tmp_path, make_spectrograms, monkeypatch, epoch, kept
):
    losses = []

    class Diverging(TimeAutoencoder):
        """Its loss is NaN in batch 2 of `epoch`."""

        def loss(self, frames: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
            losses.append(super().loss(frames, lengths))
            return losses[-1] * (np.nan if len(losses) == 3 * epoch - 1 else 1)

    with pytest.raises(
        ModelError, match=rf"epoch {epoch}, batch 2: the loss is nan; try a lower learning_rate=RATE \({kept}"
    ):
        run(tmp_path, make_spectrograms(), model_type=Diverging)
    assert steps_in(tmp_path / "logs") == [3][: epoch - 1]


def test_weights_that_are_no_numbers_are_never_written(tmp_path, make_spectrograms, monkeypatch):
    def spoil(optimiser: torch.optim.Optimizer) -> None:
        optimiser.param_groups[0]["params"][0].data[0, 0] = np.inf

    with after_step(3, spoil), pytest.raises(ModelError, match="epoch 1, batch 3: weights are NaN or infinite"):
        run(tmp_path, make_spectrograms())
    assert steps_in(tmp_path / "logs") == []


def test_a_run_that_cannot_start_leaves_no_directory(tmp_path, make_spectrograms):
    with pytest.raises(OptionError):
        run(tmp_path / "a" / "b", make_spectrograms(), device="cuda:77")
    with pytest.raises(OptionError, match="num_units=0: expected an integer >= 1"):
        run(tmp_path / "a" / "b", make_spectrograms(), config={"num_units": 0})
    assert not (tmp_path / "a").exists()


@pytest.mark.slow
def test_spectrograms_of_different_lengths_train_resume_and_show(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(20, steps=12, lengths=[12, 3, 7, 1])
    data_set.save(tmp_path / "spectra.nc")
    losses = []
    for name, read in (("memory", 2**30), ("file", 0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trainer, "Batches", partial(Batches, memory_bytes=read))
            run(tmp_path / name, load(tmp_path / "spectra.nc"), num_epochs=6, learning_rate=0.02)
        losses = [event.value for event in events_of(tmp_path / name).Scalars("loss/epoch")]
    assert checkpoints_of(tmp_path / "memory") == checkpoints_of(tmp_path / "file")
    assert losses[-1] < 0.9 * losses[0]
    run(tmp_path / "parts", data_set, num_epochs=2, learning_rate=0.02)
    run(tmp_path / "parts", data_set, num_epochs=6, learning_rate=0.02, resume=True)
    assert checkpoints_of(tmp_path / "parts") == checkpoints_of(tmp_path / "file")


@pytest.mark.slow
def test_the_cosine_schedule_rises_and_falls_to_nothing(tmp_path: Path, make_spectrograms: Callable) -> None:
    used = []

    def note(optimiser: torch.optim.Optimizer, *_: object) -> None:
        used.append(optimiser.param_groups[0]["lr"])

    handle = register_optimizer_step_pre_hook(note)
    try:
        options = dict(num_epochs=40, schedule="cosine", learning_rate=0.01, crop_frames=4)
        run(tmp_path / "whole", make_spectrograms(), **options)
    finally:
        handle.remove()
    steps = np.arange(1, 121)
    expected = 0.01 * np.minimum(1, steps / 50) * (1 + np.cos(np.pi * steps / 120)) / 2
    np.testing.assert_allclose(used, expected, atol=1e-12)


@pytest.mark.slow
def test_a_cropped_training_resumes_to_the_same_bytes(tmp_path: Path, make_spectrograms: Callable) -> None:
    config = {**RANDOM, "masked_frames": 0.5, "mask_span": 2}
    options = dict(num_epochs=3, schedule="cosine", crop_frames=4, config=config)
    run(tmp_path / "whole", make_spectrograms(), **options)

    with after_step(5, interrupt), pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", make_spectrograms(), **options)
    run(tmp_path / "parts", make_spectrograms(), resume=True, **options)
    assert checkpoints_of(tmp_path / "parts") == checkpoints_of(tmp_path / "whole")


@pytest.mark.slow
def test_models_tell_how_their_spectrograms_were_made_where_all_were_made_alike(
    tmp_path: Path, make_spectrograms: Callable
) -> None:
    def made(width: float | None) -> DataSet:
        data_set = make_spectrograms(4)
        if width is not None:
            data_set.data.attrs["preprocessing"] = json.dumps({"window_width": width})
        return data_set

    for number, (widths, expected) in enumerate(
        [([0.5, 0.5], {"window_width": 0.5}), ([0.5, 0.4], None), ([0.5, None], None), ([None], None)]
    ):
        run(tmp_path / str(number), [made(width) for width in widths])
        assert checkpoints.preprocessing_of(tmp_path / str(number) / "logs") == expected
