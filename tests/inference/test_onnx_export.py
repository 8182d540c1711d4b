# SPDX-License-Identifier: GPL-3.0-or-later
"""Models as ONNX files: what ONNX Runtime gives for spectrograms of other sizes than any that were exported with."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from audeep import export_model
from audeep.errors import ModelError, OptionError
from audeep.models.base import Network, Tagger
from audeep.models.checkpoints import Progress, save_model
from audeep.models.registry import model_type_of
from audeep.models.time_autoencoder import TimeAutoencoder

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

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
    "mobilenet-v1": ("mobilenet-v1", 50, 96, {"num_labels": 3, "width": 0.25}),
    "mfcc-cnn": ("mfcc-cnn", 173, 40, {"num_labels": 3}),
}


@pytest.mark.parametrize("name", MODELS)
def test_onnx_runtime_gives_what_the_model_gives_for_any_batch_and_length(tmp_path, name):
    kind, num_steps, num_features, options = MODELS[name]
    model = saved(tmp_path / "logs", kind, num_steps, num_features, **options)
    assert export_model(tmp_path / "logs", tmp_path / "x.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    lengths = [num_steps] if kind == "mfcc-cnn" else [num_steps + 7, num_steps + 100, num_steps]
    for batch, length in enumerate(lengths, 1):
        frames = np.random.default_rng(length).uniform(-1, 1, (batch, length, num_features)).astype(np.float32)
        with torch.inference_mode():
            given = torch.from_numpy(frames)
            expected = model.probabilities(model(given)) if isinstance(model, Tagger) else model.embed(given)
        (found,) = session.run(None, {"frames": frames})
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    about = session.get_modelmeta().custom_metadata_map
    assert about["audeep.kind"] == kind and json.loads(about["audeep.front_end"]) == SETTINGS
    assert json.loads(about["audeep.labels"]) == (["a", "b", "c"] if isinstance(model, Tagger) else [])


def test_pooled_features_are_exported(tmp_path):
    model = saved(tmp_path / "logs", "t-rae", 20, 8, num_units=4)
    export_model(tmp_path / "logs", tmp_path / "x.onnx", pooled=True)
    frames = np.random.default_rng(1).uniform(-1, 1, (2, 33, 8)).astype(np.float32)
    (found,) = onnxruntime.InferenceSession(tmp_path / "x.onnx").run(None, {"frames": frames})
    with torch.inference_mode():
        np.testing.assert_allclose(found, model.embed_pooled(torch.from_numpy(frames)).numpy(), atol=1e-5)


def test_a_model_may_be_exported_for_one_length(tmp_path):
    model = saved(tmp_path / "logs", "mobilenet-v1", 100, 96, num_labels=3, width=0.25)
    assert export_model(tmp_path / "logs", tmp_path / "x.onnx", frames=120) < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    assert session.get_inputs()[0].shape == ["batch", 120, 96]
    frames = np.random.default_rng(1).uniform(-1, 1, (3, 120, 96)).astype(np.float32)
    (found,) = session.run(None, {"frames": frames})
    with torch.inference_mode():
        np.testing.assert_allclose(found, model.probabilities(model(torch.from_numpy(frames))).numpy(), atol=1e-5)


def test_a_file_that_gives_other_numbers_is_not_written(tmp_path, monkeypatch):
    saved(tmp_path / "logs", "t-rae", 20, 8, num_units=4)
    embed = TimeAutoencoder.embed
    monkeypatch.setattr(TimeAutoencoder, "embed", lambda self, frames: embed(self, frames) + len(frames))
    with pytest.raises(ModelError, match=r"logs: as ONNX it gives other numbers for 20 frames; pass frames=20"):
        export_model(tmp_path / "logs", tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_what_cannot_be_exported_is_refused(tmp_path):
    saved(tmp_path / "logs", "mfcc-cnn", 173, 40, num_labels=3)
    with pytest.raises(OptionError, match="pooled=True: is for models without labels"):
        export_model(tmp_path / "logs", tmp_path / "x.onnx", pooled=True)
    with pytest.raises(ModelError, match="no checkpoints|no such directory"):
        export_model(tmp_path / "none", tmp_path / "x.onnx")
