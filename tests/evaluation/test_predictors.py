# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to data before and after learners."""

import logging
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

from audeep.data.data_set import DataSet, empty
from audeep.data.schema import Split
from audeep.errors import DataError, OptionError, ShapeError
from audeep.evaluation.learners import LearnerFactory, MlpLearner, MlpRegressor, SvmLearner, SvrLearner, svms
from audeep.evaluation.plan import EvaluationPlan
from audeep.evaluation.predictors import Classifier, Regressor, vote
from tests.support.vectors import make_clusters, make_vectors, nearly_flat, with_values


class RecordingLearner:
    """Keeps what it is given, and predicts the sign of the first feature."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, features: np.ndarray, labels: np.ndarray) -> None:
        self.features, self.labels = features, labels

    def predict(self, features: np.ndarray) -> np.ndarray:
        self.predicted = features
        return (features[:, 0] > 0).astype(np.int64)


LEARNERS: dict[str, LearnerFactory] = {
    "svm": lambda seed: SvmLearner(0.1, seed),
    "mlp": lambda seed: MlpLearner(num_epochs=60, learning_rate=0.01, num_units=20, seed=seed),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_separable_classes_are_learned(name: str) -> None:
    classifier = Classifier(LEARNERS[name]).fit(make_clusters(150, seed=0, spread=0.15))
    unseen = make_clusters(200, seed=1, spread=0.15)
    assert (classifier.predict(unseen)[0] == unseen.labels_numeric).mean() > 0.95


@pytest.mark.parametrize("name", LEARNERS)
def test_same_seed_gives_the_same_predictions(name: str) -> None:
    noisy, unseen = make_clusters(60, seed=0, spread=3), make_clusters(500, seed=1, spread=3)
    torch.manual_seed(1)
    first = Classifier(LEARNERS[name], EvaluationPlan(seed=4)).fit(noisy).predict(unseen)[0]
    torch.manual_seed(2)
    np.random.seed(2)
    np.testing.assert_array_equal(
        Classifier(LEARNERS[name], EvaluationPlan(seed=4)).fit(noisy).predict(unseen)[0], first
    )


@pytest.mark.slow
def test_another_seed_gives_another_mlp() -> None:
    noisy, unseen = make_clusters(60, seed=0, spread=3), make_clusters(500, seed=1, spread=3)
    one, other = (
        Classifier(LEARNERS["mlp"], EvaluationPlan(seed=seed)).fit(noisy).predict(unseen)[0] for seed in (4, 5)
    )
    assert (one != other).any()


def test_mlp_learns_what_no_linear_classifier_can() -> None:
    def quadrants(seed: int) -> DataSet:
        features = np.random.default_rng(seed).uniform(-1, 1, (300, 2))
        return make_vectors(features, (features[:, 0] * features[:, 1] > 0).astype(int))

    unseen = quadrants(1)
    right = {
        name: (Classifier(make).fit(quadrants(0)).predict(unseen)[0] == unseen.labels_numeric).mean()
        for name, make in LEARNERS.items()
    }
    assert right["mlp"] > 0.85
    assert right["svm"] < 0.65


def test_repeats_differ_in_their_seeds_and_see_the_same_data() -> None:
    data_set = make_clusters(30, seed=0)
    classifier = Classifier(RecordingLearner, EvaluationPlan(seed=1, repeat=3)).fit(data_set)
    assert len({learner.seed for learner in classifier.learners}) == 3
    for learner in classifier.learners[1:]:
        np.testing.assert_array_equal(learner.features, classifier.learners[0].features)
    assert classifier.predict(data_set).shape == (3, 30)


def test_mlp_drops_nothing_when_it_predicts() -> None:
    data_set, unseen = make_clusters(60, seed=0, spread=3), make_clusters(500, seed=1, spread=3)
    classifier = Classifier(lambda seed: MlpLearner(num_epochs=5, keep_prob=0.3, seed=seed)).fit(data_set)
    np.testing.assert_array_equal(classifier.predict(unseen)[0], classifier.predict(unseen)[0])


def test_features_are_standardised_with_the_coefficients_of_the_training_data() -> None:
    generator = np.random.default_rng(0)
    train = generator.normal(5, [1, 100, 0], (40, 3))
    unseen = generator.normal(-3, 20, (10, 3))
    classifier = Classifier(RecordingLearner).fit(make_vectors(train, [0, 1] * 20))
    predicted = classifier.predict(make_vectors(unseen, [0] * 10))[0]
    deviation = np.where(train.std(axis=0) > 1e-9, train.std(axis=0), 1)  # the last feature is constant
    (learner,) = classifier.learners
    np.testing.assert_allclose(learner.features.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(learner.features.std(axis=0), [1, 1, 0], atol=1e-5)
    expected = (unseen - train.mean(axis=0)) / deviation
    np.testing.assert_allclose(learner.predicted, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(predicted, expected[:, 0] > 0)
    assert learner.features.dtype == learner.predicted.dtype == np.float32


def test_training_data_are_shuffled_with_their_labels() -> None:
    features = np.arange(30.0)[:, None]
    learner = (
        Classifier(RecordingLearner, EvaluationPlan(seed=1)).fit(make_vectors(features, list(range(30)))).learners[0]
    )
    order = np.rint(learner.features[:, 0] * features.std() + features.mean()).astype(int)
    np.testing.assert_array_equal(learner.labels, order)
    assert sorted(order) == list(range(30)) and list(order) != sorted(order)
    again, other = (
        Classifier(RecordingLearner, EvaluationPlan(seed=seed)).fit(make_vectors(features, list(range(30)))).learners[0]
        for seed in (1, 2)
    )
    assert np.array_equal(again.labels, learner.labels) and again.seed == learner.seed
    assert not np.array_equal(other.labels, learner.labels) and other.seed != learner.seed


@pytest.mark.parametrize("upsample, repeats", [(False, {0: 1, 1: 1, 2: 1}), (True, {0: 1, 1: 3, 2: 2})])
def test_upsampling_repeats_the_instances_of_rarer_classes(upsample: bool, repeats: dict[int, int]) -> None:
    labels = [0] * 7 + [1] * 2 + [2] * 3  # 7 // 2 = 3, 7 // 3 = 2
    features = np.arange(12.0)[:, None] ** 2
    learner = (
        Classifier(RecordingLearner, EvaluationPlan(upsample=upsample)).fit(make_vectors(features, labels)).learners[0]
    )
    expected = np.repeat(np.arange(12), [repeats[label] for label in labels])
    sorting = np.argsort(learner.features[:, 0], kind="stable")
    np.testing.assert_array_equal(learner.labels[sorting], np.array(labels)[expected])
    repeated = features[expected]
    np.testing.assert_allclose(
        learner.features[sorting], (repeated - repeated.mean()) / repeated.std(), rtol=1e-5, atol=1e-6
    )


def test_predictions_are_not_upsampled() -> None:
    data_set = make_vectors(np.arange(5.0)[:, None], [0, 0, 0, 0, 1])
    assert len(Classifier(RecordingLearner, EvaluationPlan(upsample=True)).fit(data_set).predict(data_set)[0]) == 5


@pytest.mark.parametrize(
    "filenames, labels, expected",
    [
        ("aaabbb", [1, 1, 2, 3, 2, 2], [1, 1, 1, 2, 2, 2]),
        ("abab", [9, 1, 5, 1], [5, 1, 5, 1]),  # a tie goes to the lowest label
        ("aaaaa", [7, 7, 3, 3, 5], [3, 3, 3, 3, 3]),
        ("cba", [1, 2, 3], [1, 2, 3]),
    ],
)
def test_majority_vote(filenames: str, labels: list[int], expected: list[int]) -> None:
    found = vote(np.array(list(filenames), dtype=object), np.array(labels, dtype=np.int64))
    assert found.tolist() == expected


def test_chunks_of_a_file_vote_only_if_asked() -> None:
    train = make_vectors(np.array([[-1.0], [1.0]]), [0, 1])
    chunks = make_vectors(np.array([[-1.0], [1.0], [2.0], [-3.0]]), [0] * 4, ["a", "a", "a", "b"])
    for majority_vote, expected in ((False, [0, 1, 1, 0]), (True, [1, 1, 1, 0])):
        classifier = Classifier(RecordingLearner, EvaluationPlan(majority_vote=majority_vote)).fit(train)
        assert classifier.predict(chunks)[0].tolist() == expected


def unlabelled(data_set: DataSet) -> DataSet:
    data_set.labels_numeric[1:3] = np.nan
    return data_set


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: make_clusters(9, 0)[:0], DataError, "there is no instance to train on; check the folds or partitions"),
        (lambda: unlabelled(make_clusters(9, 0)), DataError, "2 of 9 instances to train on have no label"),
        (lambda: make_vectors(np.eye(3), [4, 4, 4]), DataError, "all 3 training instances have label 4; two classes"),
    ],
    ids=["no instance", "no label", "one class"],
)
def test_unfit_training_data_are_refused(make: Callable[[], DataSet], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Classifier(RecordingLearner).fit(make())


def test_features_of_two_axes_are_refused() -> None:
    spectrograms = empty(2, [("time", 5), ("freq", 4)])
    spectrograms.labels_numeric[:] = [0, 1]
    message = r"features have shape 5 x 4 over \['time', 'freq'\], one vector per instance is needed; generate features"
    with pytest.raises(ShapeError, match=message):
        Classifier(RecordingLearner).fit(spectrograms)


def test_learning_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for make in LEARNERS.values():
            Classifier(make).fit(make_clusters(60, seed=0))
    assert not caplog.records


REGRESSORS: dict[str, LearnerFactory] = {
    "svm": lambda seed: SvrLearner(1, seed),
    "mlp": lambda seed: MlpRegressor(num_epochs=200, learning_rate=0.01, num_units=20, keep_prob=1, seed=seed),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_linear_values_are_learned(name: str) -> None:
    regressor = Regressor(REGRESSORS[name], EvaluationPlan(repeat=2)).fit(with_values(100, seed=0))
    unseen = with_values(200, seed=1)
    for found in regressor.predict(unseen):
        assert np.abs(found - unseen.label_values).mean() < 0.1 * unseen.label_values.std()


def test_values_are_predicted_as_scikit_learn_does_it_in_a_pipeline() -> None:
    train, unseen = with_values(80, seed=0, noise=20), with_values(50, seed=1)
    found = Regressor(lambda seed: SvrLearner(0.1, 7), EvaluationPlan(seed=3)).fit(train).predict(unseen)[0]
    order = np.random.default_rng(3).permutation(80)
    machine = make_pipeline(StandardScaler(), LinearSVR(C=0.1, epsilon=0.1, random_state=7))
    pipeline = TransformedTargetRegressor(machine, transformer=StandardScaler())
    expected = pipeline.fit(train.features[order], train.label_values[order]).predict(unseen.features)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_chunks_of_a_file_have_the_mean_of_their_values_if_asked() -> None:
    train = make_vectors(np.array([[-1.0], [0.0], [1.0], [2.0]]), [0] * 4)
    train.label_values[:] = [-10, 0, 10, 20]
    chunks = make_vectors(np.array([[3.0], [0.0], [1.0]]), [0] * 3, ["b", "a", "b"])
    each, merged = (
        Regressor(lambda seed: SvrLearner(1000, seed), EvaluationPlan(majority_vote=vote)).fit(train).predict(chunks)[0]
        for vote in (False, True)
    )
    np.testing.assert_allclose(merged, [(each[0] + each[2]) / 2, each[1], (each[0] + each[2]) / 2])
    assert abs(each[0] - each[2]) > 10


def test_unfit_values_are_refused() -> None:
    same, missing = with_values(9, 0), with_values(9, 0)
    same.label_values[:], missing.label_values[3] = 4.5, np.nan
    with pytest.raises(DataError, match="all 9 training instances have value 4.5; different ones are needed"):
        Regressor(REGRESSORS["svm"]).fit(same)
    with pytest.raises(DataError, match="1 of 9 instances to train on have no value; values are needed here"):
        Regressor(REGRESSORS["svm"]).fit(missing)
    with pytest.raises(OptionError, match="upsample=True balances classes, and regression has none"):
        Regressor(REGRESSORS["svm"], EvaluationPlan(upsample=True))


def in_folds(data_set: DataSet, num_folds: int) -> DataSet:
    """Every instance is validated in one of `num_folds`, in turn."""
    folds = np.arange(len(data_set)) % num_folds == np.arange(num_folds)[:, None]
    return DataSet(data_set.data.drop_vars("cv_folds").assign(cv_folds=(("instance", "fold"), folds.T.astype(float))))


@pytest.mark.parametrize("seed", range(3))
def test_the_complexity_is_the_one_that_scikit_learn_finds_on_the_same_folds(seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels = np.arange(60) // 3 % 2
    data_set = in_folds(make_vectors(generator.normal(size=(60, 30)) + labels[:, None] * 0.4, labels), 3)
    complexities = [1.0, 1e-4, 1e-2]
    found = Classifier(svms(complexities), EvaluationPlan(seed=seed)).fit(data_set)
    pipeline = make_pipeline(StandardScaler(), LinearSVC(random_state=0))
    scores = {}
    for complexity in sorted(complexities):
        pipeline.set_params(linearsvc__C=complexity)
        predicted = np.empty(60, int)
        for fold in range(3):
            rows = np.arange(60) % 3 == fold
            predicted[rows] = pipeline.fit(data_set.features[~rows], labels[~rows]).predict(data_set.features[rows])
        scores[complexity] = recall_score(labels, predicted, average="macro")
    assert found.complexity == max(scores, key=scores.get)
    alone = Classifier(svms([found.complexity]), EvaluationPlan(seed=seed)).fit(data_set)
    assert alone.complexity is None
    np.testing.assert_array_equal(found.predict(data_set), alone.predict(data_set))


class Noted:
    """Predicts a constant, and notes which instances it was trained on: the first feature is their number."""

    def __init__(self, log: list, constant: float, seed: int) -> None:
        self.log, self.constant = log, constant

    def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
        self.log.append((self.constant, len(targets)))

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.full(len(features), self.constant)


def test_of_values_the_complexity_with_the_least_squared_error_is_taken_the_lowest_among_equals() -> None:
    data_set = in_folds(with_values(12, 0), 4)
    log: list = []
    factories = {key: partial(Noted, log, constant) for key, constant in {3.0: 1, 2.0: 0.1, 1.0: 0.1, 4.0: -5}.items()}
    assert Regressor(factories).fit(data_set).complexity == 1.0
    assert sorted(log[:-1]) == sorted([(constant, 9) for constant in (1, 0.1, 0.1, -5)] * 4)
    assert log[-1] == (0.1, 12)


def test_the_fold_that_is_predicted_takes_no_part_in_the_choice() -> None:
    data_set = in_folds(with_values(12, 0), 4).split(1, Split.TRAIN)
    log: list = []
    Regressor({key: partial(Noted, log, 0) for key in (1.0, 2.0)}).fit(data_set)
    assert log == [(0, 6)] * 6 + [(0, 9)]  # three folds are left


def test_without_folds_chunks_of_a_recording_stay_together_in_random_ones() -> None:
    data_set = make_vectors(np.eye(20), np.arange(20) // 2 % 2, [f"{row // 2}.wav" for row in range(20)])
    seen = []

    class Watching(Noted):
        def fit(self, features: np.ndarray, targets: np.ndarray) -> None:
            seen.append(set(np.flatnonzero(features.max(axis=0) > 1)))

    factories = {key: partial(Watching, [], 0) for key in (1.0, 2.0)}
    Classifier(factories, EvaluationPlan(seed=1)).fit(data_set)
    assert [len(rows) for rows in seen] == [16] * 10 + [20]
    assert all({row // 2 for row in rows} == {row // 2 for row in rows if row ^ 1 in rows} for rows in seen)
    assert len({frozenset(rows) for rows in seen[:-1]}) == 5


def test_too_few_instances_to_choose_are_refused() -> None:
    data_set = make_vectors(np.eye(2), [0, 1], ["a.wav", "a.wav"])
    with pytest.raises(DataError, match="2 training instances are too few to choose among 2 complexities .*; give one"):
        Classifier(svms([1, 2])).fit(data_set)


def test_learners_that_are_only_tried_are_silent(caplog: pytest.LogCaptureFixture) -> None:
    data_set = make_vectors(nearly_flat(), np.random.default_rng(1).integers(0, 2, 60))
    Classifier(svms([1e6, 2e6])).fit(data_set)
    assert caplog.messages == ["the SVM did not converge in 1000 iterations"]  # that which was taken
