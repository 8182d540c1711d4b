# SPDX-License-Identifier: GPL-3.0-or-later
"""Held-out recordings: which they are, the loss on them, when training ends by it, and which models stay."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from audeep.data.data_set import DataSet, load
from audeep.data.schema import Partition
from audeep.errors import AudeepError, DataError, ModelError, OptionError
from audeep.models.checkpoints import load_model, steps_in
from audeep.models.curve import Point, best_of, read_curve, write_curve
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig
from audeep.pipeline.generate import generate
from audeep.training import trainer
from audeep.training.batches import Batches
from audeep.training.objectives import objective_of
from audeep.training.options import TrainingOptions
from audeep.training.trainer import train
from audeep.training.validation import hold_out_partitions, hold_out_share, validation_loss
from tests.support.training import after_step, terminate

RANDOM = dict(num_units=3, keep_prob=0.7, encoder_noise=0.3, feed_previous_prob=0.5)  # all that draws random numbers


def run(directory: Path, data_sets: DataSet | list[DataSet], resume: bool = False, **options: object) -> list[Point]:
    """Train with 4 instances per step, for 3 epochs, and give the learning curves that were seen."""
    seen = []
    train(
        data_sets if isinstance(data_sets, list) else [data_sets],
        "t-rae",
        directory,
        RANDOM,
        TrainingOptions(**{"batch_size": 4, "num_epochs": 3, "device": "cpu", **options}),
        resume=resume,
        after_epoch=lambda curve: seen.append(list(curve)),
    )
    return seen


def files_of(directory: Path) -> dict[str, bytes]:
    paths = sorted((directory / "logs").iterdir())
    return {path.name: path.read_bytes() for path in paths if path.suffix in (".safetensors", ".csv")}


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Validation losses to pretend, one for each epoch to come."""
    pretended: list[float] = []
    monkeypatch.setattr(trainer, "validation_loss", lambda *_: pretended.pop(0))
    return pretended


def test_the_only_padded_instance_may_be_held_out(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_sets = [make_spectrograms(6, steps=6, lengths=[5, 6, 6, 6, 6, 6]), make_spectrograms(6, steps=4, seed=1)]
    data_sets[0].partition[:] = [1, 0, 0, 0, 0, 0]
    data_sets[1].partition[:] = 0
    run(tmp_path, data_sets, validation_partition=[Partition.DEVEL])
    assert steps_in(tmp_path / "logs")


def test_a_share_of_the_recordings_is_held_out_with_all_their_chunks(make_spectrograms: Callable) -> None:
    data_sets = [make_spectrograms(20), make_spectrograms(7, seed=0), make_spectrograms(6, seed=1)]
    data_sets[1].filenames[0] += ".upsampled.1"
    recordings = {f"0-{number}.wav" for number in range(10)} | {f"1-{number}.wav" for number in range(3)}
    parts = hold_out_share(data_sets, 0.3, seed=5)
    train_names, held_names = (
        {name.removesuffix(".upsampled.1") for part in side for name in part.filenames} for side in parts
    )
    assert train_names | held_names == recordings and not train_names & held_names
    assert sum(map(len, parts[0])) + sum(map(len, parts[1])) == 33
    _, again = hold_out_share(data_sets, 0.3, seed=5)
    _, other = hold_out_share(data_sets, 0.3, seed=6)
    assert [list(part.filenames) for part in again] == [list(part.filenames) for part in parts[1]]
    assert [list(part.filenames) for part in other] != [list(part.filenames) for part in parts[1]]


@pytest.mark.parametrize("share, expected", [(0.01, 1), (0.3, 3), (0.9, 9)])
def test_the_share_is_one_of_recordings(make_spectrograms: Callable, share: float, expected: int) -> None:
    _, (held_out,) = hold_out_share([make_spectrograms(20)], share, seed=0)  # 10 recordings of 2 chunks
    assert len(set(held_out.filenames)) == expected and len(held_out) == 2 * expected


def test_a_share_that_leaves_nothing_to_train_on_is_refused(tmp_path: Path, make_spectrograms: Callable) -> None:
    with pytest.raises(OptionError, match="validation_split=0.99: takes 5 of 5 recordings, none is left to train on"):
        run(tmp_path / "run", make_spectrograms(), validation_split=0.99)
    assert not (tmp_path / "run").exists()


def test_partitions_are_held_out(make_spectrograms: Callable) -> None:
    data_set = make_spectrograms()
    data_set.partition[0] = np.nan
    (trained,), (held_out,) = hold_out_partitions([data_set], [Partition.DEVEL, Partition.TEST])
    assert set(held_out.partition) == {1, 2} and len(trained) == 4
    with pytest.raises(DataError, match="validation_partition=TEST: no instance is in there; name other partitions"):
        hold_out_partitions([trained], [Partition.TEST])
    with pytest.raises(DataError, match="validation_partition=DEVEL TEST: all instances are in there"):
        hold_out_partitions([held_out], [Partition.DEVEL, Partition.TEST])


@pytest.mark.parametrize("options", [{"patience": 2}, {"keep_best": True}])
def test_what_needs_a_validation_loss_is_refused_without_one(options: dict) -> None:
    with pytest.raises(
        OptionError, match="needs a validation loss; add validation_split=P, validation_partition=NAME or"
    ):
        TrainingOptions(**options)


@pytest.mark.parametrize("lengths", [None, (6, 3, 5)])
def test_the_validation_loss_is_that_of_all_true_frames_whatever_the_batches(
    make_spectrograms: Callable, lengths: tuple[int, ...] | None
) -> None:
    data_set = make_spectrograms(11, lengths=lengths)
    config = TimeAutoencoderConfig(6, 4, num_units=3, keep_prob=0.5, encoder_noise=0.5)
    model = TimeAutoencoder(config).train()
    squares = []
    for instance, length in zip(data_set, data_set.num_frames, strict=True):
        alone = torch.from_numpy(instance.features[None, :length])
        with torch.no_grad():
            squares.append(((model.eval().reconstruct(alone) - alone) ** 2).numpy().ravel())
    expected = np.sqrt(np.concatenate(squares).mean())
    for batch_size in (1, 4, 20):
        batches = Batches([data_set], batch_size, torch.device("cpu"))
        assert validation_loss(objective_of(model), batches, torch.float32, 0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_training_does_not_see_what_is_held_out_and_is_otherwise_the_same(
    tmp_path: Path, make_spectrograms: Callable
) -> None:
    data_set = make_spectrograms(16)
    (trained,), _ = hold_out_share([data_set], 0.25, seed=3)
    run(tmp_path / "whole", trained, seed=3)
    run(tmp_path / "held", data_set, seed=3, validation_split=0.25)
    models = [{name: data for name, data in files_of(path).items() if "csv" not in name} for path in tmp_path.iterdir()]
    assert len(models[0]) == 4 and models[0] == models[1]


def test_losses_are_in_the_line_in_tensorboard_and_in_the_curve(
    tmp_path: Path, make_spectrograms: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="audeep"):
        seen = run(tmp_path, make_spectrograms(16), validation_split=0.25)
    table = pd.read_csv(tmp_path / "logs/learning-curve.csv")
    assert list(table["epoch"]) == [1, 2, 3] and list(table["step"]) == [3, 6, 9]
    assert [len(curve) for curve in seen] == [1, 2, 3]
    events = EventAccumulator(str(tmp_path / "logs")).Reload()
    for tag, column in (("loss/epoch", "loss"), ("loss/validation", "validation_loss")):
        np.testing.assert_allclose([event.value for event in events.Scalars(tag)], table[column], rtol=1e-6)
    assert caplog.messages[0] == "4 of 16 instances are held out"
    for message, loss, validation in zip(caplog.messages[1:], table["loss"], table["validation_loss"], strict=True):
        assert f": loss {loss:.4f}, validation loss {validation:.4f}" in message


def test_the_validation_loss_belongs_to_the_model_of_its_epoch(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(16)
    run(tmp_path, data_set, validation_split=0.25, seed=1)
    batches = Batches(hold_out_share([data_set], 0.25, seed=1)[1], 4, torch.device("cpu"))
    for point in read_curve(tmp_path / "logs", last_step=9):
        model, _ = load_model(tmp_path / "logs", point.step)
        assert validation_loss(objective_of(model), batches, torch.float32, 1) == pytest.approx(
            point.validation_loss, rel=1e-6
        )


@pytest.mark.slow
@pytest.mark.parametrize("lengths", [None, (6, 3, 5)])
def test_a_resumed_run_ends_in_the_same_bytes_and_goes_on_with_the_curve(
    tmp_path: Path, make_spectrograms: Callable, lengths: tuple[int, ...] | None
) -> None:
    data_set = make_spectrograms(16, lengths=lengths)
    options = dict(validation_split=0.25, keep_best=True, patience=9)
    run(tmp_path / "whole", data_set, num_epochs=4, seed=8, **options)
    for epochs, seed in ((1, 8), (3, 5), (4, 0)):  # the seed of the first run counts
        run(tmp_path / "parts", data_set, epochs > 1, num_epochs=epochs, seed=seed, **options)
    assert files_of(tmp_path / "parts") == files_of(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 3, 4])
def test_a_terminated_run_goes_on_to_the_same_models(
    tmp_path: Path, make_spectrograms: Callable, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    data_set, options = make_spectrograms(16), dict(validation_split=0.25, keep_best=True)
    run(tmp_path / "whole", data_set, **options)
    with after_step(step, terminate), pytest.raises(AudeepError, match=f"terminated at step {step}"):
        run(tmp_path / "parts", data_set, **options)
    run(tmp_path / "parts", data_set, True, **options)
    whole, parts = files_of(tmp_path / "whole"), files_of(tmp_path / "parts")
    del whole["learning-curve.csv"], parts["learning-curve.csv"]  # its training loss is that of the rest of the epoch
    assert parts == whole


@pytest.mark.slow
def test_a_line_without_its_checkpoint_is_forgotten(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set, options = make_spectrograms(16), dict(validation_split=0.25)
    run(tmp_path / "whole", data_set, **options)
    run(tmp_path / "parts", data_set, num_epochs=2, **options)
    curve = read_curve(tmp_path / "parts/logs", 6)
    write_curve(tmp_path / "parts/logs", [*curve, Point(3, 9, 0.0, 0.0)])  # as if killed before the model was written
    assert load_model(tmp_path / "parts/logs", "best")[1].step == best_of(curve).step
    run(tmp_path / "parts", data_set, True, **options)
    assert files_of(tmp_path / "parts") == files_of(tmp_path / "whole")


@pytest.mark.slow
def test_patience_ends_training_and_a_resumed_run_stays_ended(
    tmp_path: Path, make_spectrograms: Callable, losses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    losses[:] = [0.5, 0.3, 0.3, 0.4]
    data_set, options = make_spectrograms(16), dict(validation_split=0.25, patience=2, num_epochs=9)
    run(tmp_path, data_set, **options)
    assert losses == [] and steps_in(tmp_path / "logs") == [3, 6, 9, 12]
    before = files_of(tmp_path)
    with caplog.at_level(logging.INFO, logger="audeep"):
        run(tmp_path, data_set, True, **options)
    expected = (
        f"{tmp_path}/logs: 2 epochs without a lower validation loss than the 0.3000 of epoch 2, model-6.safetensors"
    )
    assert caplog.messages[-1] == expected and files_of(tmp_path) == before
    losses[:] = [0.2, 0.25, 0.25]  # more patience goes on
    run(tmp_path, data_set, True, **{**options, "patience": 3, "num_epochs": 7})
    assert losses == [] and best_of(read_curve(tmp_path / "logs", 99)) == Point(5, 15, pytest.approx(0.5, abs=0.5), 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("keep, expected", [(None, [6, 15]), (2, [6, 12, 15]), (9, [3, 6, 9, 12, 15])])
def test_the_best_model_is_kept_beside_the_newest_and_can_be_generated_with(
    tmp_path: Path, make_spectrograms: Callable, losses: list[float], keep: int | None, expected: list[int]
) -> None:
    losses[:] = [0.5, 0.3, 0.6, 0.3, 0.4]  # the first of equals is the best
    data_set = make_spectrograms(16)
    run(tmp_path, data_set, num_epochs=5, validation_split=0.25, keep_best=True, checkpoints_to_keep=keep)
    assert steps_in(tmp_path / "logs") == expected
    generate(tmp_path / "logs", data_set, [tmp_path / "best.nc", tmp_path / "6.nc"], ["best", 6])
    np.testing.assert_array_equal(load(tmp_path / "best.nc").features, load(tmp_path / "6.nc").features)


def test_there_is_no_best_model_without_validation(tmp_path: Path, make_spectrograms: Callable) -> None:
    run(tmp_path, make_spectrograms())
    with pytest.raises(ModelError, match="logs: nothing tells the best model; hold out data"):
        load_model(tmp_path / "logs", "best")


def test_a_validation_loss_that_is_no_number_ends_training(
    tmp_path: Path, make_spectrograms: Callable, losses: list[float]
) -> None:
    losses[:] = [0.5, np.nan]
    with pytest.raises(ModelError, match=r"epoch 2, batch 3: the validation loss is nan; try .* step 3 is kept"):
        run(tmp_path, make_spectrograms(16), validation_split=0.25)
    assert steps_in(tmp_path / "logs") == [3]


@pytest.mark.parametrize("first, text", [({}, "without held-out"), ({"validation_split": 0.25}, "with held-out")])
def test_what_was_trained_on_cannot_be_held_out_later_nor_the_other_way_round(
    tmp_path: Path, make_spectrograms: Callable, first: dict, text: str
) -> None:
    run(tmp_path, make_spectrograms(16), num_epochs=1, **first)
    second = {} if first else {"validation_split": 0.25}
    with pytest.raises(ModelError, match=f"logs: the model was trained {text} data, and is to go on .* them"):
        run(tmp_path, make_spectrograms(16), True, **second)


@pytest.mark.parametrize(
    "content, found",
    [
        ("", "line 1 is ''"),
        ("epoch,loss\n", "line 1 is 'epoch,loss'"),
        ("epoch,step,loss,validation_loss\n1,3,0.5\n", "line 2 is '1,3,0.5'"),
        ("epoch,step,loss,validation_loss\n1,3,0.5,\n2,x,0.5,\n", "line 3 is '2,x,0.5,'"),
        ("epoch,step,loss,validation_loss\n1,3,0.5,nan\n", "line 2 is '1,3,0.5,nan'"),
        (b"\xff", "codec can't decode"),
    ],
)
def test_a_damaged_curve_is_refused(tmp_path: Path, content: str | bytes, found: str) -> None:
    path = tmp_path / "learning-curve.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ModelError) as caught:
        read_curve(tmp_path, 9)
    assert str(caught.value).startswith(f"{path}: is no learning curve (") and found in str(caught.value)
