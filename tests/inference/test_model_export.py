# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in other formats: what these give for spectrograms of other sizes than any that were exported with."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep import export_model
from audeep.errors import ModelError, OptionError
from audeep.models.base import Network, Tagger
from audeep.models.checkpoints import Progress, save_model
from audeep.models.kmeans import KMeansWords
from audeep.models.registry import model_type_of

SETTINGS = {"front_end": "mel", "window_width": 0.08}


def saved(folder: Path, kind: str, num_steps: int, num_features: int, **options: object) -> Network:
    """A model with random weights, in a folder."""
    model_type = model_type_of(kind)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = model_type(model_type.config_type(num_steps, num_features, **options)).eval()
    if isinstance(model, Tagger):
        model.labels = ("a", "b", "c")
    save_model(folder, model, Progress(step=1, epoch=1, seed=0), SETTINGS)
    return model


MODELS = {
    "t-rae": ("t-rae", 20, 8, {"num_units": 4, "num_layers": 2, "bidirectional_encoder": True}),
    "t-rae of LSTM": ("t-rae", 20, 8, {"num_units": 4, "cell": "LSTM"}),
    "ft-rae": ("ft-rae", 12, 16, {"freq_window_width": 8, "freq_window_overlap": 4}),
    "f-rae": ("f-rae", 12, 16, {"freq_window_width": 8, "freq_window_overlap": 4, "num_units": 4}),
    "masked-frames": ("masked-frames", 20, 8, {"num_units": 4, "num_layers": 1}),
    "contrastive": ("contrastive", 20, 8, {"channels": "4,6", "recurrent_layers": 1, "recurrent_units": 3}),
    "kmeans": ("kmeans", 20, 8, {"num_words": 10, "patch_frames": 4}),
    "conv1d": ("conv1d", 4000, 1, {"num_labels": 3}),
    "conv1d of one length": ("conv1d", 4000, 1, {"num_labels": 3, "fit_frames": 4100}),
    "mobilenet-v1": ("mobilenet-v1", 50, 96, {"num_labels": 3, "width": 0.25}),
    "vgg-gap": ("vgg-gap", 200, 47, {"num_labels": 3, "width": 2}),
    "mfcc-cnn": ("mfcc-cnn", 173, 40, {"num_labels": 3}),
}


needs_onnx = pytest.mark.skipif(
    any(find_spec(package) is None for package in ("onnx", "onnxruntime")), reason="the extra 'onnx' is not installed"
)
ONNX, PT2 = pytest.param(".onnx", marks=needs_onnx), pytest.param(".pt2", marks=pytest.mark.slow)


def runner_of(path: Path) -> tuple[Callable[[np.ndarray], np.ndarray], dict[str, str]]:
    """What runs an exported model, and its metadata."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        return lambda frames: session.run(None, {"frames": frames})[0], session.get_modelmeta().custom_metadata_map
    about = dict.fromkeys(("audeep.kind", "audeep.labels", "audeep.front_end"), "")
    program = torch.export.load(path, extra_files=about)
    assert not any("audeep" in str(node.target) for node in program.graph.nodes)
    model = program.module()
    return lambda frames: model(torch.from_numpy(frames)).numpy(), about


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [ONNX, PT2])
@pytest.mark.parametrize("name", MODELS)
def test_what_is_exported_gives_what_the_model_gives_for_any_batch_and_length(tmp_path, name, suffix):
    kind, num_steps, num_features, options = MODELS[name]
    model = saved(tmp_path / "logs", kind, num_steps, num_features, **options)
    output = tmp_path / f"x{suffix}"
    assert export_model(tmp_path / "logs", output) < 1e-4
    run, about = runner_of(output)
    lengths = [num_steps] if kind == "mfcc-cnn" else [num_steps + 7, num_steps + 100, num_steps]
    for batch, length in enumerate(lengths, 1):
        frames = np.random.default_rng(length).uniform(-1, 1, (batch, length, num_features)).astype(np.float32)
        with torch.inference_mode():
            given = torch.from_numpy(frames)
            expected = model.probabilities(model(given)) if isinstance(model, Tagger) else model.embed(given)
        np.testing.assert_allclose(run(frames), expected.numpy(), atol=1e-5)
    assert about["audeep.kind"] == kind and json.loads(about["audeep.front_end"]) == SETTINGS
    assert json.loads(about["audeep.labels"]) == (["a", "b", "c"] if isinstance(model, Tagger) else [])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [ONNX, PT2])
def test_pooled_features_are_exported(tmp_path, suffix):
    model = saved(tmp_path / "logs", "t-rae", 20, 8, num_units=4)
    export_model(tmp_path / "logs", tmp_path / f"x{suffix}", pooled=True)
    frames = np.random.default_rng(1).uniform(-1, 1, (2, 33, 8)).astype(np.float32)
    run, _ = runner_of(tmp_path / f"x{suffix}")
    with torch.inference_mode():
        np.testing.assert_allclose(run(frames), model.embed_pooled(torch.from_numpy(frames)).numpy(), atol=1e-5)


@pytest.mark.slow
@needs_onnx
def test_a_model_may_be_exported_for_one_length(tmp_path):
    model = saved(tmp_path / "logs", "mobilenet-v1", 100, 96, num_labels=3, width=0.25)
    assert export_model(tmp_path / "logs", tmp_path / "x.onnx", frames=120) < 1e-4
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    assert session.get_inputs()[0].shape == ["batch", 120, 96]
    frames = np.random.default_rng(1).uniform(-1, 1, (3, 120, 96)).astype(np.float32)
    (found,) = session.run(None, {"frames": frames})
    with torch.inference_mode():
        np.testing.assert_allclose(found, model.probabilities(model(torch.from_numpy(frames))).numpy(), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suffix", "form"), [pytest.param(".onnx", "ONNX", marks=needs_onnx), (".pt2", "torch.export")]
)
def test_a_file_that_gives_other_numbers_is_not_written(tmp_path, monkeypatch, suffix, form):
    saved(tmp_path / "logs", "kmeans", 20, 8, num_words=10, patch_frames=4)
    embed, calls = KMeansWords.embed, []

    def changing(self: KMeansWords, frames: torch.Tensor) -> torch.Tensor:
        calls.append(len(calls))
        return embed(self, frames) + len(calls)

    monkeypatch.setattr(KMeansWords, "embed", changing)
    with pytest.raises(ModelError, match=rf"logs: as {form} it gives other numbers for 20 frames; pass frames=20"):
        export_model(tmp_path / "logs", tmp_path / f"x{suffix}")
    assert not (tmp_path / f"x{suffix}").exists()


def test_what_cannot_be_exported_is_refused(tmp_path):
    saved(tmp_path / "logs", "mfcc-cnn", 173, 40, num_labels=3)
    with pytest.raises(OptionError, match="pooled=True: is for models without labels"):
        export_model(tmp_path / "logs", tmp_path / "x.pt2", pooled=True)
    with pytest.raises(ModelError, match="no checkpoints|no such directory"):
        export_model(tmp_path / "none", tmp_path / "x.pt2")
    with pytest.raises(OptionError, match=r"x.pt: expected the name of a file that ends in .onnx or .pt2"):
        export_model(tmp_path / "logs", tmp_path / "x.pt")
