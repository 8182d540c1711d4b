# SPDX-License-Identifier: GPL-3.0-or-later
"""visualize tsne and visualize pca, from their command lines to their pictures."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from audeep import load
from audeep.cli.render.plots import plot_map
from audeep.data.data_set import empty


@pytest.mark.slow
@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_a_map_is_drawn_and_written(audeep, golden, tmp_path, method):
    source = golden / "old_features_cv.nc"
    command = f"visualize {method} --input {source} --plot {tmp_path}/map.png --output {tmp_path}/map.nc --seed 3"
    result = audeep(command)
    assert result.status == 0 and "map.png: picture written" in result.err
    picture = plt.imread(tmp_path / "map.png")
    colours = {tuple(colour) for colour in np.round(255 * picture[..., :3]).astype(int).reshape(-1, 3).tolist()}
    for colour in ("#0072B2", "#E69F00", "#000000", "#56B4E9"):  # one for each class
        assert tuple(bytes.fromhex(colour[1:])) in colours
    points, before = load(tmp_path / "map.nc"), load(source)
    assert points.features.shape == (40, 2)
    np.testing.assert_array_equal(points.labels_nominal, before.labels_nominal)
    first = (tmp_path / "map.png").read_bytes(), (tmp_path / "map.nc").read_bytes()
    audeep(command)
    assert first == ((tmp_path / "map.png").read_bytes(), (tmp_path / "map.nc").read_bytes())


def test_spectrograms_can_be_drawn_and_without_a_display_a_warning_says_what_to_do(audeep, spectrograms):
    result = audeep(f"visualize pca --input {spectrograms}")
    assert result.status == 0 and "there is no display to show the picture on" in result.err


@pytest.mark.slow
def test_the_learning_rate_of_old_scripts_is_accepted(audeep, golden, tmp_path):
    command = f"visualize tsne --input {golden}/old_features_cv.nc --plot {tmp_path}/map.png --output {tmp_path}/map.nc"
    assert audeep(f"{command} --learning-rate 10").status == 0
    first = load(tmp_path / "map.nc").features
    assert audeep(f"{command} --learning-rate 500").status == 0
    assert not np.array_equal(first, load(tmp_path / "map.nc").features)


@pytest.mark.slow
def test_unlabelled_instances_and_many_classes_can_be_drawn(tmp_path):
    data_set = empty(300, [("generated", 2)])
    data_set.labels_nominal[:250] = [f"class {row % 50}" for row in range(250)]
    data_set.labels_numeric[:250] = np.arange(250) % 50
    points = np.random.default_rng(0).standard_normal((300, 2))
    plot_map(points, data_set, "many", tmp_path / "many.svg")
    text = (tmp_path / "many.svg").read_text()
    assert all(f"class {label}" in text for label in range(50))
    plot_map(points[250:], data_set[250:], "none", tmp_path / "none.svg")
    assert "class 0" not in (tmp_path / "none.svg").read_text()
