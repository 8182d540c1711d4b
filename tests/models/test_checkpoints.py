# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: what is on disk, and what is refused."""

import json
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from audeep.errors import ModelError
from audeep.models import checkpoints
from audeep.models.checkpoints import (
    Progress,
    load_model,
    load_optimiser,
    preprocessing_of,
    save_checkpoint,
    steps_in,
)
from audeep.models.time_autoencoder import TimeAutoencoder, TimeAutoencoderConfig

CONFIG = TimeAutoencoderConfig(num_steps=5, num_features=4, num_units=3, cell="LSTM", keep_prob=0.75)


def make_trained(config: TimeAutoencoderConfig = CONFIG) -> tuple[TimeAutoencoder, torch.optim.Adam]:
    torch.manual_seed(0)
    model = TimeAutoencoder(config)
    optimiser = torch.optim.Adam(model.parameters())
    step(model, optimiser)
    return model, optimiser


def step(model: TimeAutoencoder, optimiser: torch.optim.Adam) -> None:
    torch.manual_seed(1)
    optimiser.zero_grad()
    model.loss(torch.linspace(-1, 1, 40).reshape(2, 5, 4)).backward()
    optimiser.step()


def save(directory: Path, *steps: int, keep: int | None = None) -> None:
    model, optimiser = make_trained()
    for epoch, number in enumerate(steps, 1):
        save_checkpoint(directory, model, optimiser, Progress(number, epoch, seed=9), keep)


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_checkpoint_is_one_safetensors_file_with_its_configuration_as_json(tmp_path: Path) -> None:
    save(tmp_path, 12)
    with safe_open(tmp_path / "model-12.safetensors", "pt") as file:
        header = json.loads(file.metadata()["audeep"])
        names = set(file.keys())
    assert header["model"] == "t-rae"
    assert header["config"] == asdict(CONFIG)
    assert header["progress"] == {"step": 12, "epoch": 1, "seed": 9, "batch": 0, "batch_size": 0, "num_instances": 0}
    assert names == set(TimeAutoencoder(CONFIG).state_dict())


def test_loaded_model_equals_the_saved_one(tmp_path: Path) -> None:
    model, optimiser = make_trained()
    save_checkpoint(tmp_path, model, optimiser, Progress(3, 1, seed=4))
    torch.manual_seed(99)
    loaded, progress = load_model(tmp_path)
    assert loaded.config == CONFIG and not loaded.training
    assert progress == Progress(3, 1, seed=4)
    for name, weights in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weights)


def test_loaded_optimiser_goes_on_as_the_saved_one(tmp_path: Path) -> None:
    model, optimiser = make_trained()
    save_checkpoint(tmp_path, model, optimiser, Progress(3, 1, seed=4))
    loaded, _ = load_model(tmp_path)
    loaded.train()
    fresh = torch.optim.Adam(loaded.parameters())
    load_optimiser(tmp_path, 3, fresh)
    for _ in range(3):
        step(model, optimiser)
        step(loaded, fresh)
    for name, weights in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weights)


def test_only_the_newest_checkpoint_has_a_state_of_the_optimiser(tmp_path: Path) -> None:
    save(tmp_path, 5, 10, 15)
    assert names_in(tmp_path) == [
        "model-10.safetensors",
        "model-15.optimiser.safetensors",
        "model-15.safetensors",
        "model-5.safetensors",
    ]


def test_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    save(tmp_path, 8, 9, 10, 11, keep=2)  # not in the order of their names
    assert steps_in(tmp_path) == [10, 11]
    save(tmp_path, 12, keep=1)
    assert names_in(tmp_path) == ["model-12.optimiser.safetensors", "model-12.safetensors"]


def test_steps_are_those_of_complete_model_files(tmp_path: Path) -> None:
    for name in ("model-7.optimiser.safetensors", "model-x.safetensors", "model-8.pt", ".model-9.safetensors", "a.nc"):
        (tmp_path / name).touch()
    save(tmp_path, 100, 20)
    assert steps_in(tmp_path) == [20, 100]
    assert steps_in(tmp_path / "nowhere") == []


def test_newest_checkpoint_is_the_one_of_most_steps(tmp_path: Path) -> None:
    save(tmp_path, 9, 10)
    assert load_model(tmp_path)[1].step == 10
    assert load_model(tmp_path, 9)[1].step == 9


def test_a_failed_write_leaves_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 5)

    def write_half(tensors: dict, path: Path, metadata: dict) -> None:
        if "optimiser" in str(path):
            return save_file(tensors, path, metadata)
        Path(path).write_bytes(b"half")
        raise RuntimeError("the machine stops")

    monkeypatch.setattr("audeep.models.tensors.save_file", write_half)
    with pytest.raises(RuntimeError, match="the machine stops"):
        save(tmp_path, 10)
    monkeypatch.undo()
    assert steps_in(tmp_path) == [5]
    assert not list(tmp_path.glob("*partial*")) and not list(tmp_path.glob(".*"))
    model, progress = load_model(tmp_path)
    load_optimiser(tmp_path, progress.step, torch.optim.Adam(model.parameters()))  # so training can go on


def test_missing_step_is_refused_with_a_list_of_steps(tmp_path: Path) -> None:
    save(tmp_path, 5, 10)
    with pytest.raises(ModelError, match=r"has no checkpoint of step 7; there are checkpoints of steps 5, 10$"):
        load_model(tmp_path, 7)


def test_directory_without_checkpoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no checkpoints \(model-<step>.safetensors\); name the directory of"):
        load_model(tmp_path)


def test_the_directory_of_a_run_stands_for_that_of_its_models(tmp_path: Path) -> None:
    save(tmp_path / "run" / "logs", 5, 10)
    for step in (None, 5):
        model, progress = load_model(tmp_path / "run", step)
        assert progress == load_model(tmp_path / "run" / "logs", step)[1]
    assert preprocessing_of(tmp_path / "run") == preprocessing_of(tmp_path / "run" / "logs")


def test_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere: no such directory; name the directory of a training run"):
        load_model(tmp_path / "nowhere")


def test_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    save(tmp_path, 5)
    with pytest.raises(ModelError, match="is a t-rae model, f-rae was expected; use 'audeep t-rae'"):
        load_model(tmp_path, kind="f-rae")
    assert load_model(tmp_path, kind="t-rae")


@pytest.mark.parametrize("content", [b"", b"\0" * 50, b"text", None])
def test_damaged_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    save(tmp_path, 5)
    path = tmp_path / "model-5.safetensors"
    path.write_bytes(path.read_bytes()[:-20] if content is None else content)
    with pytest.raises(ModelError, match=r"model-5.safetensors: cannot be read \(.*\); it is damaged") as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


class Intruder:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [pickle.dump, torch.save])
def test_loading_never_runs_code(tmp_path: Path, write: object) -> None:
    evidence = tmp_path / "code has run"
    for name in ("model-1.safetensors", "model-1.optimiser.safetensors"):
        with open(tmp_path / name, "wb") as file:
            write(Intruder(evidence), file)
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        load_optimiser(tmp_path, 1, make_trained()[1])
    assert not evidence.exists()


GOOD = {"format": 1, "model": "t-rae", "config": asdict(CONFIG), "progress": {"step": 1, "epoch": 1, "seed": 0}}


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"audeep": "{no json"},
        {"audeep": "[]"},
        {"audeep": json.dumps({**GOOD, "model": "x-rae"})},
        {"audeep": json.dumps({**GOOD, "config": {**asdict(CONFIG), "colour": "red"}})},
        {"audeep": json.dumps({**GOOD, "progress": {"step": 1}})},
    ],
    ids=["none", "no json", "list", "kind", "unknown option", "progress"],
)
def test_model_of_unknown_make_is_refused(tmp_path: Path, header: dict[str, str]) -> None:
    save_file(make_trained()[0].state_dict(), tmp_path / "model-1.safetensors", header)
    with pytest.raises(ModelError, match=r"model-1.safetensors: (is not a|cannot be used|is a x-rae model)") as caught:
        load_model(tmp_path)
    assert "\n" not in str(caught.value)


def test_missing_state_of_the_optimiser_is_refused(tmp_path: Path) -> None:
    save(tmp_path, 5, 10)
    with pytest.raises(ModelError, match="model-5.optimiser.safetensors: no such file; training can only go on from"):
        load_optimiser(tmp_path, 5, make_trained()[1])


def test_damaged_state_of_the_optimiser_is_refused(tmp_path: Path) -> None:
    save(tmp_path, 5)
    path = tmp_path / "model-5.optimiser.safetensors"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelError, match="model-5.optimiser.safetensors: cannot be read"):
        load_optimiser(tmp_path, 5, make_trained()[1])


def test_settings_of_preprocessing_are_kept_where_they_are_known(tmp_path: Path) -> None:
    model, optimiser = make_trained()
    save_checkpoint(tmp_path, model, optimiser, Progress(1, 1, seed=9))
    save_checkpoint(tmp_path, model, optimiser, Progress(2, 2, seed=9), preprocessing={"window_width": 0.5})
    assert checkpoints.preprocessing_of(tmp_path) == {"window_width": 0.5}
    assert checkpoints.preprocessing_of(tmp_path, 1) is None
    with pytest.raises(ModelError, match="has no checkpoint of step 3"):
        checkpoints.preprocessing_of(tmp_path, 3)
    save_file({}, tmp_path / "model-4.safetensors", {"audeep": "[1]"})
    with pytest.raises(ModelError, match=r"is not a model of audeep \(list indices.*train it again"):
        checkpoints.preprocessing_of(tmp_path)


@pytest.mark.slow
def test_loading_a_model_does_not_take_the_time_to_import_the_compiler_of_pytorch(tmp_path: Path) -> None:
    save(tmp_path, 1)
    program = "\n".join(
        [
            "import sys",
            "from pathlib import Path",
            "from audeep.models.checkpoints import load_model",
            "load_model(Path(sys.argv[1]))",
            "print({'torch._dynamo', 'sympy'} & set(sys.modules) or 'neither')",
        ]
    )
    found = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    assert found.stdout == "neither\n"
