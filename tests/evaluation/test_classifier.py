# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifiers that are fitted, kept in files, and used."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.special import expit
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from audeep import Classifier, DataSet, EvaluationPlan, classify, fit_classifier, predict
from audeep.data.data_set import empty
from audeep.errors import AudeepError, DataError, ModelError, OptionError, ShapeError
from audeep.evaluation.learners import MlpLearner, svms
from audeep.evaluation.tagging import best_labels

NAMES = ("cat", "dog", "rain")
MLP = MlpLearner(num_epochs=40, num_units=8)


def vectors(count: int, classes: int = 3, size: int = 5, seed: int = 0) -> DataSet:
    """Clusters that overlap, one for each class."""
    generator = np.random.default_rng(seed)
    data_set = empty(count, [("generated", size)], label_map={name: 7 * i for i, name in enumerate(NAMES[:classes])})
    for row in range(count):
        instance, label = data_set[row], row % classes
        instance.filename, instance.chunk_nr = f"{row}.wav", 0
        instance.label_nominal, instance.label_numeric = NAMES[label], 7 * label
        instance.features = np.cos(np.arange(size) + label) + generator.normal(0, 1.5, size)
    return data_set


def mlp(seed: int) -> MlpLearner:
    return MlpLearner(num_epochs=40, num_units=8, seed=seed)


LEARNERS = {"svm": svms([0.5]), "mlp": mlp}


@pytest.mark.parametrize("kind", LEARNERS)
@pytest.mark.parametrize("size", [5, 60])  # 60: more features than instances
@pytest.mark.parametrize("classes", [2, 3])
def test_what_is_kept_predicts_what_predict_does(tmp_path, kind, size, classes):
    train, other = vectors(48, classes, size), vectors(90, classes, size, seed=1)
    fit_classifier(train, LEARNERS[kind], EvaluationPlan(seed=3)).save(tmp_path / "c.safetensors")
    classifier = Classifier.load(tmp_path / "c.safetensors")
    scores = classify(classifier, other)
    assert classifier.kind == kind and scores.label_names == classifier.labels == NAMES[:classes]
    np.testing.assert_allclose(scores.features.sum(axis=1), 1, rtol=1e-5)
    expected = predict(train, other, LEARNERS[kind], EvaluationPlan(seed=3))
    assert best_labels(scores, scores.label_names) == expected


def test_scores_of_an_svm_are_the_softmax_of_its_decision_values():
    train, other = vectors(60), vectors(20, seed=1)
    classifier = fit_classifier(train, svms([0.5]))
    scaler = StandardScaler().fit(train.features.astype(float))
    machine = LinearSVC(C=0.5, dual=False, tol=1e-8).fit(scaler.transform(train.features), train.labels_numeric)
    values = np.exp(machine.decision_function(scaler.transform(other.features)))
    expected = values / values.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classifier(other.features), expected, atol=2e-3)


def test_scores_of_two_classes_are_the_sigmoid_of_the_decision_value():
    train, other = vectors(60, 2), vectors(20, 2, seed=1)
    classifier = fit_classifier(train, svms([0.5]))
    (weights, biases), features = classifier.layers[0], (other.features - classifier.mean) / classifier.scale
    np.testing.assert_allclose(classifier(other.features)[:, 1], expit(features @ weights[0] + biases[0]), rtol=1e-5)


def test_what_cannot_be_fitted_or_classified_is_refused(make_label_sets: Callable):
    with pytest.raises(DataError, match="all 2 training instances have label 0"):
        fit_classifier(vectors(4, 2)[[0, 2]], svms([1.0]))
    with pytest.raises(OptionError, match="regression=True: classifiers give labels; leave it out"):
        fit_classifier(vectors(4), svms([1.0]), EvaluationPlan(regression=True))
    with pytest.raises(DataError, match="several labels"):
        fit_classifier(make_label_sets(4), svms([1.0]))
    with pytest.raises(ShapeError, match=r"features have shape \(4,\), the classifier takes 5; generate them with"):
        classify(fit_classifier(vectors(12), svms([1.0])), vectors(3, size=4))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    fit_classifier(vectors(30), mlp).save(tmp_path / "c.safetensors")
    return tmp_path / "c.safetensors"


def test_the_same_seed_gives_the_same_bytes(saved, tmp_path):
    fit_classifier(vectors(30), mlp).save(tmp_path / "again.safetensors")
    assert saved.read_bytes() == (tmp_path / "again.safetensors").read_bytes()


def header_of(path: Path) -> dict:
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["audeep-classifier"])


CHANGES = {
    "no header": (lambda facts, arrays: None, "is not a classifier of audeep"),
    "list": (lambda facts, arrays: [1], "is not a classifier of audeep"),
    "no labels": (lambda facts, arrays: facts.pop("labels") and facts, "is not a classifier of audeep"),
    "labels": (lambda facts, arrays: {**facts, "labels": ["a", "a", "b"]}, "says of itself what no classifier is"),
    "few labels": (lambda facts, arrays: {**facts, "labels": ["a", "b"]}, "gives 3 values for 2 labels"),
    "no text": (lambda facts, arrays: {**facts, "labels": ["a", "b", "\ud800"]}, "is not a classifier of audeep"),
    "kind": (lambda facts, arrays: {**facts, "classifier": ["svm"]}, "says of itself what no classifier is"),
    "format": (lambda facts, arrays: {**facts, "format": 2}, "has format 2, up to 1 is known; update audeep"),
    "huge format": (lambda facts, arrays: {**facts, "format": 10**300}, "up to 1 is known"),
    "model": (lambda facts, arrays: {**facts, "model": 3}, "says of itself what no classifier is"),
    "missing": (lambda facts, arrays: arrays.pop("bias.1") is None or facts, "has the arrays"),
    "no layer": (
        lambda facts, arrays: [arrays.pop(name) for name in list(arrays) if "." in name] and facts,
        "has the arrays mean, scale",
    ),
    "another": (lambda facts, arrays: arrays.update(x=np.ones(2)) or facts, "has the arrays"),
    "axes": (lambda facts, arrays: arrays.update(mean=np.ones((5, 1))) or facts, "'mean' has 2 axes, expected 1"),
    "scale": (lambda facts, arrays: arrays.update(scale=np.zeros(5)) or facts, "'scale' is not a positive number"),
    "sizes": (
        lambda facts, arrays: arrays.update({"weight.1": np.ones((8, 7))}) or facts,
        "'weight.1' is [8, 7], expected [8, 8]",
    ),
    "NaN": (lambda facts, arrays: arrays.update(mean=np.full(5, np.nan)) or facts, "'mean' is NaN or infinite"),
    "integers": (lambda facts, arrays: arrays.update(mean=np.ones(5, int)) or facts, "'mean' is torch.int64, expected"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_damaged_classifier_is_refused_in_one_line(saved, change):
    changed, message = CHANGES[change]
    arrays = load_file(saved)
    facts = changed(header_of(saved), arrays)
    save_file(arrays, saved, None if facts is None else {"audeep-classifier": json.dumps(facts)})
    with pytest.raises(ModelError) as error:
        Classifier.load(saved)
    assert str(error.value).startswith(f"{saved}: ") and message in str(error.value)


def test_what_is_no_safetensors_file_or_declares_more_than_it_has_is_refused(saved, tmp_path):
    content = saved.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + size])
    header["mean"] = {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}
    text = json.dumps(header).encode()
    huge = struct.pack("<Q", len(text)) + text + content[8 + size :]
    pickled = b"\x80\x04cos\nsystem\n(S'touch owned'\ntR."
    for damaged in (b"", b"x" * 100, content[: len(content) // 2], huge, pickled):
        (tmp_path / "x").write_bytes(damaged)
        with pytest.raises(AudeepError, match=r"cannot be read .* it is damaged or not a safetensors file"):
            Classifier.load(tmp_path / "x")
    with pytest.raises(ModelError, match="nowhere: cannot be read: No such file"):
        Classifier.load(tmp_path / "nowhere")
