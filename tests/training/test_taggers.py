# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of models that learn from labels: losses, windows, folds, class balance, warm starts."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep.data.data_set import DataSet
from audeep.data.schema import Split
from audeep.errors import DataError, ModelError, OptionError, ShapeError
from audeep.inference.tagger import mean_scores, scores_of, spaced_scores
from audeep.models.base import Batch, TaggerConfig
from audeep.models.checkpoints import load_model, model_path, steps_in
from audeep.models.curve import read_curve
from audeep.training.batches import Batches
from audeep.training.folds import fold_directory, folds_in, train_folds
from audeep.training.labels import Labels
from audeep.training.objectives import Tagging, soft
from audeep.training.options import TaggingOptions, WarmStart
from audeep.training.trainer import train
from tests.support.toy_kinds import ToyTagger, ToyTaggerConfig

CPU = torch.device("cpu")
QUICK = TaggingOptions(num_epochs=2, batch_size=4, seed=1, device="cpu")

pytestmark = pytest.mark.usefixtures("toy_tagger")


def tagger(**given: object) -> ToyTagger:
    config = {"num_steps": 6, "num_features": 4, "num_labels": 2, **given}
    model = ToyTagger(ToyTaggerConfig(**config))
    model.labels = tuple("abcd"[: config["num_labels"]])
    return model.eval()


class Fixed(ToyTagger):
    """Gives the same logits, whatever it reads."""

    logits = torch.zeros(0)

    def forward(self, frames: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        return self.logits


@pytest.mark.parametrize(("smoothing", "expected"), [(0.0, 0.597085953), (0.1, 0.622085929), (0.3, 0.672085881)])
def test_the_loss_of_several_labels_is_that_of_the_dcase_2019_baseline(smoothing: float, expected: float) -> None:
    from audeep.training.augmentation import smoothed

    config = ToyTaggerConfig(num_steps=1, num_features=1, num_labels=4, multi_label=True)
    model = Fixed(config)
    model.logits = torch.tensor([[2, -1, 0.5, -0.5]])
    batch = smoothed(Batch(torch.zeros(1, 1, 1), None, torch.tensor([[1.0, 0, 0, 1]])), smoothing, config)
    assert Tagging(model).loss(batch).item() == pytest.approx(expected, abs=1e-6)


def test_the_loss_of_one_label_takes_soft_targets() -> None:
    model = Fixed(ToyTaggerConfig(num_steps=1, num_features=1, num_labels=3))
    model.logits = torch.tensor([[0.7, 0.2, 0.1]]).log()
    batch = Batch(torch.zeros(1, 1, 1), None, torch.tensor([[0.6, 0.4, 0]]))
    assert Tagging(model).loss(batch).item() == pytest.approx(0.857780, abs=1e-6)


def test_hard_targets_are_soft_ones_of_0_and_1() -> None:
    assert soft(torch.tensor([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.slow
def test_several_labels_are_learned_each_on_its_own(tmp_path: Path, make_label_sets: Callable) -> None:
    data_set = make_label_sets(24)
    data_set.data["features"].values[:, :, :3] += data_set.label_sets[:, np.newaxis]
    train([data_set], "toy-tagger", tmp_path, {"num_hidden": 16}, replace(QUICK, num_epochs=150, learning_rate=0.02))
    model, _ = load_model(tmp_path / "logs")
    assert model.config.multi_label and model.labels == ("rise", "fall", "even")
    scores = scores_of(model, data_set)
    assert ((scores > 0.5) == data_set.label_sets).mean() > 0.9
    assert not np.allclose(scores.sum(axis=1), 1)


def test_a_recording_whose_labels_are_not_known_is_not_learned_from(tmp_path: Path, make_label_sets: Callable) -> None:
    data_set = make_label_sets(8)
    data_set.data["labels"].values[3] = np.nan
    with pytest.raises(DataError, match=r"1 of 8 instances have no labels that are known, the first is 0-1.wav"):
        train([data_set], "toy-tagger", tmp_path, {}, QUICK)
    assert not (tmp_path / "logs").exists()


def test_inputs_with_one_and_with_several_labels_are_not_mixed(
    make_label_sets: Callable, make_spectrograms: Callable
) -> None:
    one, several = make_spectrograms(8), make_label_sets(8)
    one.label_map = several.label_map
    with pytest.raises(DataError, match="some inputs have several labels for a recording, others one"):
        Labels([several, one])


def test_windows_of_a_recording_are_instances_of_their_own(make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(5, steps=10, lengths=[10, 3])
    cut = TaggerConfig(10, 4, 2, window_frames=4, window_hop=2, fill="pad", pad_value=7.0)
    targets = np.arange(5)
    batches = Batches([data_set], 3, CPU, targets_of=lambda _: targets, cut=cut)
    assert batches.num_instances == 5 + 2 + 5 + 2 + 5
    found = list(batches.epoch(np.random.default_rng(0)))
    assert [len(batch.frames) for batch in found] == [3] * 6 + [1]
    assert all(batch.lengths is None and batch.frames.shape[1:] == (4, 4) for batch in found)
    count = Counter(int(target) for batch in found for target in batch.targets)
    assert count == {0: 5, 1: 2, 2: 5, 3: 2, 4: 5}
    second = batches.take(np.array([5, 6]))  # the windows of a recording of 3 frames
    features = data_set.features[1]
    np.testing.assert_array_equal(second.frames[0, :3], features[:3])
    np.testing.assert_array_equal(second.frames[1, :1], features[2:3])
    assert (second.frames[0, 3:] == 7).all() and (second.frames[1, 1:] == 7).all()


def test_windows_read_from_files_are_those_in_memory(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(6, steps=9, lengths=[9, 5, 7])
    cut = TaggerConfig(9, 4, 2, window_frames=4, fit_frames=8)
    in_memory, from_file = (
        list(Batches([data_set], 4, CPU, memory_bytes=size, cut=cut).epoch(np.random.default_rng(3)))
        for size in (2**20, 0)
    )
    for one, other in zip(in_memory, from_file, strict=True):
        assert torch.equal(one.frames, other.frames)


def test_a_network_of_one_length_is_trained_on_excerpts_and_read_in_windows(
    tmp_path: Path, make_spectrograms: Callable
) -> None:
    data_set = make_spectrograms(count=8, steps=40, bands=16)
    options = replace(QUICK, crop_frames=16, validation_split=0.25)
    model = train([data_set], "mfcc-cnn", tmp_path, {"width": 2, "window_frames": 16}, options)
    assert model.config.num_steps == 16 and scores_of(model, data_set).shape == (8, 2)


def test_balance_makes_rare_labels_as_frequent_as_others(make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(40)
    targets = np.array([0] * 36 + [1] * 4)
    batches = Batches([data_set], 8, CPU, targets_of=lambda _: targets, is_balanced=True)
    drawn = [
        int(target)
        for epoch in range(60)
        for batch in batches.epoch(np.random.default_rng(epoch))
        for target in batch.targets
    ]
    assert len(drawn) == 60 * 40
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.04)


def test_balance_of_several_labels_favours_recordings_with_rare_ones(make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(20)
    sets = np.zeros((20, 2), np.float32)
    sets[:, 0], sets[:2, 1], sets[19] = 1, 1, 0
    batches = Batches([data_set], 8, CPU, targets_of=lambda _: sets, is_balanced=True)
    drawn = np.concatenate(
        [batch.targets.numpy() for epoch in range(50) for batch in batches.epoch(np.random.default_rng(epoch))]
    )
    assert drawn[:, 1].mean() > 3 * sets[:, 1].mean()
    assert (drawn.sum(axis=1) == 0).any()


def test_epsilon_hat_is_adam_as_tensorflow_1_had_it(tmp_path: Path, make_spectrograms: Callable) -> None:
    """Two steps against Adam written out, with gradients of the size of epsilon."""
    data_set, rate, epsilon = make_spectrograms(4), 1e-2, 1e-2
    options = TaggingOptions(
        **{"num_epochs": 2, "batch_size": 4, "device": "cpu", "learning_rate": rate, "seed": 3},
        **{"epsilon": epsilon, "epsilon_hat": True},
    )
    train([data_set], "toy-tagger", tmp_path / "start", {}, replace(options, num_epochs=1, learning_rate=1e-30))
    model, _ = load_model(tmp_path / "start" / "logs")
    frames, targets = torch.from_numpy(data_set.features), torch.tensor([0, 1, 0, 1])
    first = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    second = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    for step in (1, 2):
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(frames), targets).backward()
        with torch.no_grad():
            for name, value in model.named_parameters():
                first[name] += 0.1 * (value.grad - first[name])
                second[name] += 0.001 * (value.grad**2 - second[name])
                corrected = rate * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                value -= corrected * first[name] / (second[name].sqrt() + epsilon)
    train([data_set], "toy-tagger", tmp_path / "run", {}, options)
    found, _ = load_model(tmp_path / "run" / "logs")
    for name, value in found.named_parameters():
        torch.testing.assert_close(value, dict(model.named_parameters())[name], rtol=0, atol=2e-6)


@pytest.mark.slow
def test_a_run_on_augmented_excerpts_goes_on_to_the_same_bytes(tmp_path: Path, make_spectrograms: Callable) -> None:
    options = replace(
        QUICK,
        **{"crop_frames": 5, "loudest_of": 2, "crop_margin": 1, "time_stretch": 1.3, "freq_shift": 1.0},
        **{"freq_scale": 1.1, "equaliser": 3.0, "gain": 4.0, "power_mix": 0.3, "noise_floor": 20.0, "clamp_min": -1.0},
        **{"gaussian_noise": 0.03, "time_masks": 1, "time_mask_frames": 2, "mask_value": -0.4},
    )
    data_set = make_spectrograms(8)
    train([data_set], "toy-tagger", tmp_path / "whole", {}, options)
    train([data_set], "toy-tagger", tmp_path / "parts", {}, replace(options, num_epochs=1))
    train([data_set], "toy-tagger", tmp_path / "parts", {}, options, resume=True)
    whole, parts = (model_path(tmp_path / name / "logs", 4).read_bytes() for name in ("whole", "parts"))
    assert whole == parts
    train([data_set], "toy-tagger", tmp_path / "plain", {}, replace(QUICK, crop_frames=5))
    assert whole != model_path(tmp_path / "plain" / "logs", 4).read_bytes()


def test_a_fold_holds_out_its_validation_part(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(12)
    data_set.cv_folds[:] = np.where(np.arange(12)[:, np.newaxis] % 4 < [1, 2], Split.VALID, Split.TRAIN)
    data_set.data["label_numeric"].values[:] = np.arange(12) % 3 % 2  # so that parts have both
    data_set.data["label_nominal"].values[:] = np.array(["rise", "fall"])[np.arange(12) % 3 % 2]
    train_folds([data_set], "toy-tagger", tmp_path, {}, QUICK)
    assert folds_in(tmp_path) == [1, 2]
    for fold in (1, 2):
        logs = tmp_path / f"fold-{fold}" / "logs"
        model, _ = load_model(logs)
        held_out = data_set.split(fold - 1, Split.VALID)
        loss = torch.nn.functional.cross_entropy(
            model(torch.from_numpy(held_out.features)), torch.from_numpy(held_out.labels_numeric).long()
        )
        assert read_curve(logs, steps_in(logs)[-1])[-1].validation_loss == pytest.approx(loss.item(), abs=1e-5)


@pytest.mark.slow
def test_folds_go_on_to_the_bytes_of_a_run_in_one_go(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = four_folds(make_spectrograms(16))
    train_folds([data_set], "toy-tagger", tmp_path / "whole", {}, QUICK)
    train_folds([data_set], "toy-tagger", tmp_path / "parts", {}, replace(QUICK, num_epochs=1), [1, 2])
    with pytest.raises(ModelError, match="already has a checkpoint"):
        train_folds([data_set], "toy-tagger", tmp_path / "parts", {}, QUICK)
    train_folds([data_set], "toy-tagger", tmp_path / "parts", {}, QUICK, resume=True)
    for fold in (1, 2, 3, 4):
        whole, parts = (fold_directory(tmp_path / name, fold) / "logs" for name in ("whole", "parts"))
        step = steps_in(whole)[-1]
        assert model_path(whole, step).read_bytes() == model_path(parts, step).read_bytes()


def four_folds(data_set: DataSet) -> DataSet:
    """The data set in four folds, each of which has both labels on both sides."""
    data = data_set.data.drop_vars("cv_folds")
    folds = np.where(np.arange(len(data_set))[:, np.newaxis] // 2 % 4 == np.arange(4), Split.VALID, Split.TRAIN)
    return DataSet(data.assign(cv_folds=(("instance", "fold"), folds.astype(float))), data_set.label_map)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"validation_fold": 3}, DataError, "validation_fold=3: input 1 has 2 cross-validation folds"),
        ({"validation_fold": 1, "validation_split": 0.5}, OptionError, "both found; leave one of them out"),
        (
            {"validation_fold": 1, "verified_only": True},
            DataError,
            "verified_only=True: no label of the 5 held-out instances has been verified",
        ),
        ({"validation_fold": 1}, DataError, "validation_fold=1: no instance of 'fall' is for training"),
    ],
)
def test_what_a_fold_cannot_give_is_named(
    tmp_path: Path, make_spectrograms: Callable, given: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        train([make_spectrograms(10)], "toy-tagger", tmp_path / "run", {}, replace(QUICK, **given))
    assert not (tmp_path / "run").exists()


def test_validation_on_verified_labels_leaves_the_others_of_the_fold_out(
    tmp_path: Path, make_spectrograms: Callable
) -> None:
    data_set = four_folds(make_spectrograms(16))
    data_set.data["verified"].values[:] = np.arange(16) % 3 == 0
    options = replace(QUICK, validation_fold=1, verified_only=True)
    model = train([data_set], "toy-tagger", tmp_path, {}, options).eval()
    held_out = data_set.split(0, Split.VALID)
    held_out = held_out[np.flatnonzero(held_out.verified == 1)]
    assert 0 < len(held_out) < 4
    loss = torch.nn.functional.cross_entropy(
        model(torch.from_numpy(held_out.features)), torch.from_numpy(held_out.labels_numeric).long()
    )
    assert read_curve(tmp_path / "logs", 10**6)[-1].validation_loss == pytest.approx(loss.item(), abs=1e-5)


class TestWarmStart:
    @pytest.fixture
    def trained(self, tmp_path: Path, make_spectrograms: Callable) -> Path:
        train([make_spectrograms(8)], "toy-tagger", tmp_path / "first", {}, QUICK)
        return tmp_path / "first" / "logs"

    def start(self, tmp_path: Path, data_set: DataSet, warm_start: WarmStart) -> dict[str, torch.Tensor]:
        """Weights at the start of a training that begins with others."""
        options = replace(QUICK, num_epochs=1, learning_rate=1e-30, seed=77, start_from=warm_start)
        train([data_set], "toy-tagger", tmp_path / "second", {}, options)
        return load_model(tmp_path / "second" / "logs")[0].state_dict()

    def test_all_layers_are_taken(self, tmp_path: Path, trained: Path, make_spectrograms: Callable) -> None:
        found = self.start(tmp_path, make_spectrograms(8), WarmStart(trained))
        for name, value in load_model(trained)[0].state_dict().items():
            assert torch.equal(found[name], value)

    @pytest.mark.parametrize("given", [{"without": ["output"]}, {"layers": ["hidden"]}])
    def test_layers_are_chosen_by_name(
        self, tmp_path: Path, trained: Path, make_spectrograms: Callable, given: dict
    ) -> None:
        found = self.start(tmp_path, make_spectrograms(8), WarmStart(trained, **given))
        for name, value in load_model(trained)[0].state_dict().items():
            assert torch.equal(found[name], value) == name.startswith("hidden")

    def test_a_head_for_other_labels_has_to_be_left_out(
        self, tmp_path: Path, trained: Path, make_label_sets: Callable
    ) -> None:
        with pytest.raises(ModelError, match=r"'output.weight' has shape 2 x 8, the new model needs 3 x 8; leave "):
            self.start(tmp_path, make_label_sets(8), WarmStart(trained))
        assert not (tmp_path / "second").exists()
        self.start(tmp_path, make_label_sets(8), WarmStart(trained, without=["output"]))

    def test_layers_that_are_not_there_are_an_error(
        self, tmp_path: Path, trained: Path, make_spectrograms: Callable
    ) -> None:
        with pytest.raises(OptionError, match="has none of the layers asked for; its layers are hidden, output"):
            self.start(tmp_path, make_spectrograms(8), WarmStart(trained, layers=["conv"]))


def test_scores_of_windows_are_averaged(make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(5, steps=9, lengths=[9, 4])
    model = tagger(window_frames=4, window_hop=3, fill="pad", pad_value=0.5)
    expected = []
    for features, length in zip(data_set.features, data_set.num_frames, strict=True):
        padded = np.concatenate([features[:length], np.full((8, 4), 0.5, np.float32)])
        windows = np.stack([padded[start : start + 4] for start in range(0, length, 3)])
        with torch.inference_mode():
            expected.append(model(torch.from_numpy(windows)).softmax(dim=1).mean(dim=0).numpy())
    for batch_size in (1, 2, 16):
        np.testing.assert_allclose(scores_of(model, data_set, batch_size), expected, atol=1e-6)


def test_recordings_are_scored_at_the_length_that_they_are_made(make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(4, steps=9, lengths=[9, 4])
    model = tagger(fit_frames=6)
    expected = []
    for features, length in zip(data_set.features, data_set.num_frames, strict=True):
        tiled = np.tile(features[:length], (3, 1))[:6]
        with torch.inference_mode():
            expected.append(model(torch.from_numpy(tiled[np.newaxis])).softmax(dim=1)[0].numpy())
    np.testing.assert_allclose(scores_of(model, data_set), expected, atol=1e-6)


def test_the_mean_over_excerpts_weighs_each_alike(make_spectrograms: Callable) -> None:
    data_set, model = make_spectrograms(3, steps=8), tagger()
    starts = [np.array([0, 1, 4]), np.array([2]), np.array([0, 0, 3, 4])]
    found = mean_scores(model, data_set, 4, starts, batch_size=2)
    for row, each in enumerate(starts):
        windows = np.stack([data_set.features[row, start : start + 4] for start in each])
        with torch.inference_mode():
            expected = model(torch.from_numpy(windows)).softmax(dim=1).mean(dim=0)
        np.testing.assert_allclose(found[row], expected, atol=1e-6)


def test_excerpts_spread_evenly_over_a_recording_are_averaged(make_spectrograms: Callable) -> None:
    data_set, model = make_spectrograms(3, steps=9, lengths=[9, 5, 3]), tagger()
    found = spaced_scores(model, data_set, 3, 4)
    for row, starts in enumerate(([0, 2, 5], [0, 0, 1], [0, 0, 0])):
        repeated = np.tile(data_set.features[row, : data_set.num_frames[row]], (4, 1))
        windows = np.stack([repeated[start : start + 4] for start in starts])
        with torch.inference_mode():
            expected = model(torch.from_numpy(windows)).softmax(dim=1).mean(dim=0)
        np.testing.assert_allclose(found[row], expected, atol=1e-6)


class Long(ToyTagger):
    """Needs eight frames."""

    shortest = 8


def test_recordings_too_short_for_the_network_are_named(tmp_path: Path, make_spectrograms: Callable) -> None:
    data_set = make_spectrograms(4, steps=9, lengths=[9, 7])
    model = Long(ToyTaggerConfig(num_steps=9, num_features=4, num_labels=2))
    with pytest.raises(ShapeError, match=r"0-0.wav: has 7 frames, the network needs 8 or more; make recordings longer"):
        scores_of(model, data_set)
    with pytest.raises(OptionError, match=r"excerpt_frames=4: the network needs 8 frames or more; choose so many"):
        spaced_scores(model, data_set, 3, 4)


def test_training_refuses_excerpts_and_recordings_too_short_for_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_spectrograms: Callable
) -> None:
    monkeypatch.setattr(ToyTagger, "shortest", 8)
    data_set = make_spectrograms(4, steps=9, lengths=[9, 7])
    for given, config, error, message in (
        ({"crop_frames": 5}, {}, OptionError, "crop_frames=5: the network needs 8 frames or more; choose so many"),
        ({}, {"window_frames": 6}, OptionError, "window_frames=6: the network needs 8 frames or more"),
        ({}, {}, ShapeError, "0-0.wav: has 7 frames, the network needs 8 or more"),
    ):
        with pytest.raises(error, match=message):
            train([data_set], "toy-tagger", tmp_path / "run", config, replace(QUICK, **given))
        assert not (tmp_path / "run").exists()
    train([data_set], "toy-tagger", tmp_path / "run", {"fit_frames": 12}, replace(QUICK, crop_frames=8))
