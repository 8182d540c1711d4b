# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluations whose results are known."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVR

from audeep.data.data_set import DataSet, load
from audeep.data.schema import Partition
from audeep.errors import DataError, ShapeError
from audeep.evaluation.evaluate import evaluate
from audeep.evaluation.learners import LearnerChoice, MlpLearner, SvmLearner, svms
from audeep.evaluation.plan import EvaluationPlan
from tests.support.known_results import (
    CHUNKS,
    FOLDS,
    LABELS,
    VALUES,
    NearestNeighbour,
    NearestValue,
    make_data_set,
    make_values,
)


def test_cross_validation_scores_each_fold_with_what_the_others_teach() -> None:
    evaluation = evaluate(make_data_set(FOLDS), NearestNeighbour)
    assert evaluation.labels == ("zebra", "ant")
    assert evaluation.confusions.tolist() == [[[[1, 1], [0, 1]], [[1, 0], [2, 1]]]]
    assert evaluation.confusion.tolist() == [[2, 1], [2, 2]]
    np.testing.assert_allclose(evaluation.accuracies, [[2 / 3, 2 / 4]])
    np.testing.assert_allclose(evaluation.recalls, [[(1 / 2 + 1) / 2, (1 + 1 / 3) / 2]])


def test_instances_may_validate_several_folds_and_train_none() -> None:
    data_set = make_data_set(FOLDS)
    data_set.cv_folds[:] = [[1, 1], [0, 0], [0, 0], [1, 1], [0, 0], [0, 0], [1, 1]]
    evaluation = evaluate(data_set, NearestNeighbour)
    expected = [[2, 0], [1, 0]]  # 0.0, 0.2 and 0.6 are nearest to 1.0 zebra
    assert evaluation.confusions.tolist() == [[expected, expected]]


def test_without_majority_vote_each_chunk_counts() -> None:
    evaluation = evaluate(make_data_set(CHUNKS), NearestNeighbour)
    assert evaluation.confusions[0].tolist() == [[[2, 1], [1, 1]], [[1, 0], [0, 2]]]


def test_with_majority_vote_each_file_counts_once() -> None:
    evaluation = evaluate(make_data_set(CHUNKS), NearestNeighbour, EvaluationPlan(majority_vote=True))
    assert evaluation.confusions[0].tolist() == [[[1, 0], [1, 0]], [[1, 0], [0, 1]]]


def test_classes_that_do_not_occur_have_empty_rows() -> None:
    label_map = {"bee": 2, **LABELS, "cat": 7}
    evaluation = evaluate(make_data_set(FOLDS, label_map), NearestNeighbour)
    assert evaluation.labels == ("zebra", "ant", "bee", "cat")
    expected = np.zeros((4, 4), int)
    expected[:2, :2] = [[2, 1], [2, 2]]
    assert evaluation.confusion.tolist() == expected.tolist()
    np.testing.assert_allclose(evaluation.recalls, [[(1 / 2 + 1) / 2, (1 + 1 / 3) / 2]])


def test_without_a_label_map_the_classes_are_those_of_the_instances() -> None:
    evaluation = evaluate(make_data_set(FOLDS, label_map=None), NearestNeighbour)
    assert evaluation.labels == ("zebra", "ant")
    assert evaluation.confusion.tolist() == [[2, 1], [2, 2]]


def test_repeats_draw_new_random_numbers_that_follow_from_the_seed() -> None:
    def seeds_of(seed: int) -> list[int]:
        made = []

        def make(learner_seed: int) -> NearestNeighbour:
            made.append(learner_seed)
            return NearestNeighbour(learner_seed)

        evaluation = evaluate(make_data_set(FOLDS), make, EvaluationPlan(repeat=3, seed=seed))
        assert evaluation.confusions.shape == (3, 2, 2, 2)
        assert evaluation.confusion.tolist() == [[6, 3], [6, 6]]
        return made

    assert len(set(seeds_of(1))) == 6
    assert seeds_of(1) == seeds_of(1)
    assert not set(seeds_of(1)) & set(seeds_of(2))


@pytest.mark.parametrize("upsample, counts", [(False, [[2, 1], [1, 3]]), (True, [[2, 2], [3, 3]])])
def test_upsampling_balances_the_training_split_only(upsample: bool, counts: list[list[int]]) -> None:
    seen = []

    class Counting(NearestNeighbour):
        def fit(self, features: np.ndarray, labels: np.ndarray) -> None:
            super().fit(features, labels)
            seen.append(np.bincount(labels).tolist())

    evaluation = evaluate(make_data_set(FOLDS), Counting, EvaluationPlan(upsample=upsample))
    assert sorted(seen) == sorted(counts)
    assert evaluation.confusion.tolist() == [[2, 1], [2, 2]]


def partitioned() -> DataSet:
    train, devel, test = Partition
    parts = [test, test, test, train, train, devel, None]
    return make_data_set([(*row[:3], part) for row, part in zip(FOLDS, parts, strict=True)])


@pytest.mark.parametrize(
    "train, valid, expected",
    [
        ([Partition.TRAIN], [Partition.TEST], [[2, 0], [0, 1]]),
        ([Partition.TRAIN, Partition.DEVEL], [Partition.TEST], [[1, 1], [0, 1]]),
        ([Partition.TRAIN], [Partition.TEST, Partition.DEVEL], [[2, 0], [1, 1]]),
        ([Partition.TEST], [Partition.TRAIN], [[1, 0], [0, 1]]),
    ],
)
def test_partitions_are_trained_on_and_predicted_as_asked(
    train: list[Partition], valid: list[Partition], expected: list[list[int]]
) -> None:
    evaluation = evaluate(partitioned(), NearestNeighbour, EvaluationPlan(repeat=2), (train, valid))
    assert evaluation.confusions.tolist() == [[expected], [expected]]


def test_folds_are_needed_for_cross_validation() -> None:
    gap = make_data_set(FOLDS)
    gap.cv_folds[3, 1] = np.nan
    for data_set in (make_data_set([(*row[:3], None) for row in FOLDS]), gap):
        with pytest.raises(DataError, match="has no cross-validation folds for all instances; add some with 'audeep"):
            evaluate(data_set, NearestNeighbour)


def test_partitions_are_needed_to_evaluate_partitions() -> None:
    with pytest.raises(DataError, match="the data set has no partitions; add some with 'audeep modify"):
        evaluate(make_data_set(FOLDS), NearestNeighbour, partitions=([Partition.TRAIN], [Partition.TEST]))


def test_empty_parts_are_refused() -> None:
    data_set = partitioned()
    data_set.partition[5] = Partition.TRAIN
    for train, valid, purpose in [
        ([Partition.DEVEL], [Partition.TEST], "train on"),
        ([Partition.TRAIN], [Partition.DEVEL], "predict"),
    ]:
        with pytest.raises(DataError, match=f"there is no instance to {purpose}; check the folds or partitions"):
            evaluate(data_set, NearestNeighbour, partitions=(train, valid))
    data_set = make_data_set(FOLDS)
    data_set.cv_folds[:, 1] = 0
    with pytest.raises(DataError, match="there is no instance to predict; check the folds or partitions with 'audeep"):
        evaluate(data_set, NearestNeighbour)


def test_missing_labels_are_refused_before_anything_is_trained() -> None:
    def never(seed: int) -> NearestNeighbour:
        raise AssertionError("a learner was made")

    data_set = make_data_set(FOLDS)
    data_set.labels_numeric[6] = np.nan
    with pytest.raises(DataError, match="1 of 4 instances to train on have no label; labels are needed here"):
        evaluate(data_set, never)
    data_set = partitioned()
    data_set.labels_numeric[:3] = np.nan
    with pytest.raises(DataError, match="3 of 3 instances to predict have no label; labels are needed here"):
        evaluate(data_set, never, partitions=([Partition.TRAIN], [Partition.TEST]))


def test_a_fold_of_one_class_is_refused() -> None:
    data_set = make_data_set([row for row in FOLDS if row[0] not in "c"])
    with pytest.raises(DataError, match="all 2 training instances have label 0; two classes are needed"):
        evaluate(data_set, NearestNeighbour)


def test_features_of_two_axes_are_refused() -> None:
    data_set = make_data_set(FOLDS)
    spectrograms = data_set.with_features(np.zeros((7, 3, 2), np.float32), ["time", "freq"])
    with pytest.raises(
        ShapeError, match="features have shape 3 x 2 .*; generate features with 'audeep t-rae generate'"
    ):
        evaluate(spectrograms, NearestNeighbour)


def test_features_of_the_old_audeep_are_evaluated(golden: Path) -> None:
    evaluation = evaluate(load(golden / "old_features_cv.nc"), lambda seed: SvmLearner(0.1, seed))
    assert evaluation.confusion.sum(axis=1).tolist() == [10, 10, 10, 10]
    assert evaluation.accuracies.mean() > 0.5
    parts = load(golden / "old_features_partitioned.nc")
    partitions = ([Partition.TRAIN, Partition.DEVEL], [Partition.TEST])
    evaluation = evaluate(parts, lambda seed: SvmLearner(0.1, seed), partitions=partitions)
    assert evaluation.confusion.sum() == (parts.partition == Partition.TEST).sum()


def test_numeric_labels_without_names_are_refused_or_evaluated():
    data_set = make_data_set(FOLDS, label_map=None)
    data_set.labels_nominal[:] = None
    try:
        evaluation = evaluate(data_set, NearestNeighbour)
    except DataError:
        return
    assert evaluation.confusion.tolist() == [[2, 1], [2, 2]]  # is [[7]]: accuracy 100 %


@pytest.mark.parametrize("label_map", [{"zebra": 0}, {"zebra": 0, "cat": 7}])
def test_labels_that_the_label_map_lacks_are_refused(label_map):
    with pytest.raises(DataError):  # IndexError; or "ant" is counted as "cat"
        evaluate(make_data_set(FOLDS, label_map), NearestNeighbour)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_refused(value):
    from audeep.evaluation.learners import SvmLearner

    data_set = make_data_set(FOLDS)
    data_set.features[0] = value
    for make in (lambda seed: SvmLearner(1, seed), lambda seed: MlpLearner(num_epochs=2, seed=seed)):
        with pytest.raises(DataError):
            evaluate(data_set, make)


def test_values_are_cross_validated_with_the_scores_of_scipy() -> None:
    evaluation = evaluate(make_values(VALUES), NearestValue, EvaluationPlan(regression=True, repeat=2))
    true, predicted = [[1, 1, 4, -3], [2, 5, 2.5, 7]], [[2, 5, 5, 2], [1, 1, 1, -3]]
    for fold, expected, found in zip(evaluation.folds, true, predicted, strict=True):
        assert fold.true.tolist() == expected
        np.testing.assert_allclose(fold.predicted, [found, found])
    assert list(evaluation.scores) == ["r", "CCC", "rho", "MAE", "RMSE"]
    pairs = list(zip(true, predicted, strict=True))
    for name, measure in {
        "r": lambda *pair: stats.pearsonr(*pair).statistic,
        "rho": lambda *pair: stats.spearmanr(*pair).statistic,
        "MAE": metrics.mean_absolute_error,
        "RMSE": lambda *pair: metrics.mean_squared_error(*pair) ** 0.5,
    }.items():
        np.testing.assert_allclose(evaluation.scores[name], [[measure(*pair) for pair in pairs]] * 2)
        assert evaluation.joint_scores[name] == pytest.approx(measure(sum(true, []), sum(predicted, [])))


def test_chunks_may_give_one_value_for_their_file() -> None:
    evaluation = evaluate(make_values(VALUES), NearestValue, EvaluationPlan(regression=True, majority_vote=True))
    first = evaluation.folds[0]
    assert first.filenames.tolist() == ["a", "b", "c"] and first.true.tolist() == [1, 4, -3]
    np.testing.assert_allclose(first.predicted, [[(2 + 5) / 2, 5, 2]])


def test_values_are_evaluated_on_partitions() -> None:
    data_set = make_values(VALUES)
    data_set.partition[:] = data_set.cv_folds[:, 0] * 2  # fold 0 is for testing
    plan, partitions = EvaluationPlan(regression=True), ([Partition.TRAIN], [Partition.TEST])
    evaluation = evaluate(data_set, NearestValue, plan, partitions)
    np.testing.assert_allclose(evaluation.folds[0].predicted, [[2, 5, 5, 2]])
    assert evaluation.scores["MAE"].tolist() == [[pytest.approx((1 + 4 + 1 + 5) / 4)]]


def test_missing_values_are_refused_before_anything_is_trained() -> None:
    data_set = make_values(VALUES)
    data_set.label_values[6] = np.nan
    with pytest.raises(DataError, match="1 of 4 instances to train on have no value; values are needed here"):
        evaluate(data_set, lambda seed: pytest.fail("a learner was made"), EvaluationPlan(regression=True))
    with pytest.raises(DataError, match="4 of 4 instances to train on have no label; labels are needed here"):
        evaluate(make_values(VALUES), NearestNeighbour)


def test_values_of_real_recordings_are_predicted_as_well_as_by_a_pipeline_of_scikit_learn(golden: Path) -> None:
    data_set, spectrograms = load(golden / "old_features_cv.nc"), load(golden / "old_spectrograms_cv.nc")
    loudness = dict(zip(spectrograms.filenames, spectrograms.features.std(axis=(1, 2)), strict=True))
    data_set.label_values[:] = [loudness[name] for name in data_set.filenames]
    evaluation = evaluate(data_set, svms([0.01], regression=True), EvaluationPlan(regression=True))
    machine = make_pipeline(StandardScaler(), LinearSVR(C=0.01, epsilon=0.1, random_state=0))
    pipeline = TransformedTargetRegressor(machine, transformer=StandardScaler())
    features, values = data_set.features, data_set.label_values
    for fold, valid, found in zip(evaluation.folds, data_set.cv_folds.T == 1, evaluation.scores["r"][0], strict=True):
        expected = pipeline.fit(features[~valid], values[~valid]).predict(features[valid])
        np.testing.assert_allclose(fold.predicted[0], expected, atol=0.01 * values.std())
        assert found == pytest.approx(stats.pearsonr(values[valid], expected).statistic, abs=0.01)
    assert evaluation.joint_scores["r"] > 0.5


# randomness


@pytest.mark.slow
def test_in_threads_the_results_are_those_of_each_evaluation_alone(golden: Path) -> None:
    data_set = load(golden / "old_features_cv.nc")
    data_set = data_set.with_features(data_set.features, data_set.feature_dims)  # read once

    def record(seed: int) -> dict:
        make_learner = partial(MlpLearner, 20, 1e-3, 2, 20, 0.6)  # the seed comes next
        return evaluate(data_set, make_learner, EvaluationPlan(repeat=2, seed=seed)).record()

    alone = [record(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(record, range(4))) == alone
    assert alone[0] != alone[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "make_learner", [svms([1e-3, 0.1]), partial(MlpLearner, 2, 1e-3, 2, 20, 0.6)], ids=["svm", "mlp"]
)
def test_the_generators_of_the_caller_are_not_touched(golden: Path, make_learner: LearnerChoice) -> None:
    torch.manual_seed(5)
    before, of_numpy = torch.get_rng_state(), np.random.get_state()[1].copy()
    evaluate(load(golden / "old_features_cv.nc"), make_learner)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(np.random.get_state()[1], of_numpy)
