# SPDX-License-Identifier: GPL-3.0-or-later
"""Model directories that are wrong in one way each: what `load_model` and `load_optimiser` say of them."""

import copy
import json
import os
import pickle
import random
import struct
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from audeep.models.checkpoints import Progress, load_model, load_optimiser, save_checkpoint
from audeep.models.frequency_autoencoder import FrequencyAutoencoderConfig
from audeep.models.frequency_time_autoencoder import FrequencyTimeAutoencoderConfig
from audeep.models.registry import model_type_of
from audeep.models.time_autoencoder import TimeAutoencoderConfig
from audeep.runtime.options import options_of

CONFIGS = {
    "t-rae": TimeAutoencoderConfig(num_steps=5, num_features=4, num_units=3),
    "f-rae": FrequencyAutoencoderConfig(5, 4, freq_window_width=2, freq_window_overlap=0, num_units=3),
    "ft-rae": FrequencyTimeAutoencoderConfig(
        5, 4, freq_window_width=2, freq_window_overlap=0, num_f_units=3, num_t_units=3
    ),
}
MODELS = {kind: model_type_of(kind) for kind in CONFIGS}


def save(directory: Path, kind: str = "t-rae", step: int = 5) -> Path:
    """A model that has been trained for one step, and the state of its optimiser; gives the path of the model."""
    torch.manual_seed(0)
    model = MODELS[kind](CONFIGS[kind])
    optimiser = torch.optim.Adam(model.parameters())
    model.loss(torch.linspace(-1, 1, 40).reshape(2, 5, 4)).backward()
    optimiser.step()
    save_checkpoint(directory, model, optimiser, Progress(step, 1, seed=0))
    return directory / f"model-{step}.safetensors"


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, bytes]]:
    """Bytes of a model of each kind, and of its optimiser."""
    paths = {kind: save(tmp_path_factory.mktemp(kind), kind) for kind in MODELS}
    return {kind: (path.read_bytes(), optimiser_of(path).read_bytes()) for kind, path in paths.items()}


def optimiser_of(path: Path) -> Path:
    return path.with_suffix(".optimiser.safetensors")


@pytest.fixture
def model(tmp_path: Path, originals: dict[str, tuple[bytes, bytes]]) -> Path:
    """A model file to be damaged."""
    path = tmp_path / "logs" / "model-5.safetensors"
    path.parent.mkdir()
    path.write_bytes(originals["t-rae"][0])
    optimiser_of(path).write_bytes(originals["t-rae"][1])
    return path


def header_of(content: bytes) -> dict[str, Any]:
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size])


def with_header(content: bytes, header: object) -> bytes:
    """The file with another header: an object, or its text."""
    (size,) = struct.unpack("<Q", content[:8])
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def with_facts(content: bytes, facts: object) -> bytes:
    """The file with another description of the model: an object, or its text."""
    header = header_of(content)
    header["__metadata__"]["audeep"] = facts if isinstance(facts, str) else json.dumps(facts)
    return with_header(content, header)


def facts_of(kind: str = "t-rae") -> dict[str, Any]:
    progress = asdict(Progress(5, 1, seed=0))
    return {"format": 2, "model": kind, "config": asdict(CONFIGS[kind]), "progress": progress}


def test_the_files_that_the_cases_change_are_sound(model: Path) -> None:
    loaded, progress = load_model(model.parent)
    load_optimiser(model.parent, 5, torch.optim.Adam(loaded.parameters()))
    assert progress == Progress(5, 1, 0)
    assert with_facts(model.read_bytes(), facts_of()) and facts_of() == json.loads(
        header_of(model.read_bytes())["__metadata__"]["audeep"]
    )


# what a model says of itself


WRONG: dict[type, list[Any]] = {  # by type of a field: what it is not
    bool: [1, "true", None],
    int: ["3", 3.0, True, None, [3], -3, 10**30],
    float: ["0.5", False, None, -0.5, 2, float("nan"), float("inf")],
    str: [1, ["GRU"], None, "x"],
}


def field_cases() -> dict[str, tuple[str, str, Any, str]]:
    """By name: kind of model, field, its value, what was expected. Fields that kinds share come once."""
    cases = {}
    for kind, config in CONFIGS.items():
        for name, option in options_of(type(config)).items():
            for wrong in WRONG[option.kind]:
                cases.setdefault(f"{name} {str(wrong)[:12]}", (kind, name, wrong, option.expected))
    return cases


UNFIT = "cannot be used by this version of audeep ("
FIELDS = field_cases()


@pytest.mark.parametrize(("kind", "name", "value", "expected"), FIELDS.values(), ids=FIELDS)
def test_a_field_of_another_type_or_out_of_range_is_refused(
    model: Path,
    originals: dict[str, tuple[bytes, bytes]],
    refused: Callable[..., str],
    kind: str,
    name: str,
    value: object,
    expected: str,
) -> None:
    facts = facts_of(kind)
    facts["config"][name] = value
    model.write_bytes(with_facts(originals[kind][0], facts))
    found = f"{name}={value!r}: expected {expected}"
    assert refused(load_model, model.parent) == f"{model}: {UNFIT}{found}); train it again"


def changed(**changes: object) -> dict[str, Any]:
    """The facts with other entries; names of the form config__x reach into the configuration. ... removes."""
    facts = copy.deepcopy(facts_of())
    for name, value in changes.items():
        *outer, last = name.split("__")
        place = facts[outer[0]] if outer else facts
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return facts


NO_MODEL = "is not a model of audeep ("
LARGER = "has a configuration of a larger model than its 14 tensors of "
SAYS: dict[str, tuple[object, str]] = {
    "no JSON": ("model: t-rae", f"{NO_MODEL}Expecting value"),
    "an empty text": ("", f"{NO_MODEL}Expecting value"),
    "cut JSON": (json.dumps(facts_of())[:-5], f"{NO_MODEL}Expecting"),
    "two JSON texts": (json.dumps(facts_of()) * 2, f"{NO_MODEL}Extra data"),
    "deep JSON": ("[" * 100_000, f"{NO_MODEL}maximum recursion depth"),
    "a number of 5000 digits": ("9" * 5000, f"{NO_MODEL}Exceeds the limit"),
    "a JSON number": (3, f"{NO_MODEL}'int' object is not subscriptable)"),
    "a JSON text": ('"t-rae"', f"{NO_MODEL}string indices must be integers"),
    "a JSON list": ([], f"{NO_MODEL}list indices must be integers"),
    "null": (None, f"{NO_MODEL}'NoneType' object is not subscriptable)"),
    "an empty object": ({}, f"{NO_MODEL}has no 'format')"),
    "no format": (changed(format=...), f"{NO_MODEL}has no 'format')"),
    "a text as format": (changed(format="1"), f"{NO_MODEL}format '1', model 't-rae')"),
    "a format to come": (changed(format=3), "has format 3, up to 2 is known; update audeep"),
    "a format before all": (changed(format=0), "has format 0, up to 2 is known; update audeep"),
    "code": ("__import__('os').system('true')", f"{NO_MODEL}Expecting value"),
    "no kind": (changed(model=...), f"{NO_MODEL}has no 'model')"),
    "an unknown kind": (changed(model="x-rae"), "is a x-rae model, which no installed package brings; install it"),
    "a kind in capitals": (changed(model="T-RAE"), "is a T-RAE model, which no installed package brings"),
    "a class as kind": (changed(model="os.system"), "is a os.system model, which no installed package brings"),
    "a list as kind": (changed(model=["t-rae"]), f"{NO_MODEL}format 2, model ['t-rae'])"),
    "no kind but null": (changed(model=None), f"{NO_MODEL}format 2, model None)"),
    "no configuration": (changed(config=...), f"{UNFIT}has no 'config')"),
    "a list as configuration": (changed(config=[5, 4]), f"{UNFIT}[5, 4] found, an object with num_steps, "),
    "a text as configuration": (changed(config="small"), f"{UNFIT}'small' found, an object with num_steps, "),
    "null as configuration": (changed(config=None), f"{UNFIT}None found, an object with num_steps, "),
    "an empty configuration": (changed(config={}), f"{UNFIT}num_steps: is missing)"),
    "no number of steps": (changed(config__num_steps=...), f"{UNFIT}num_steps: is missing)"),
    "no number of features": (changed(config__num_features=...), f"{UNFIT}num_features: is missing)"),
    "an unknown field": (changed(config__colour="red"), f"{UNFIT}colour: is unknown)"),
    "a field named as a method": (changed(config____init__=1), f"{UNFIT}: is unknown)"),
    "no progress": (changed(progress=...), f"{UNFIT}has no 'progress')"),
    "a list as progress": (changed(progress=[5]), f"{UNFIT}[5] found, an object with step, epoch, "),
    "no step": (changed(progress__step=...), f"{UNFIT}step: is missing)"),
    "no epoch": (changed(progress__epoch=...), f"{UNFIT}epoch: is missing)"),
    "no seed": (changed(progress__seed=...), f"{UNFIT}seed: is missing)"),
    "a text as step": (changed(progress__step="5"), f"{UNFIT}step='5': expected an integer >= 0)"),
    "a step below zero": (changed(progress__step=-1), f"{UNFIT}step=-1: expected an integer >= 0)"),
    "a fraction as epoch": (changed(progress__epoch=0.5), f"{UNFIT}epoch=0.5: expected an integer >= 0)"),
    "null as seed": (changed(progress__seed=None), f"{UNFIT}seed=None: expected an integer >= 0)"),
    "a batch that is true": (changed(progress__batch=True), f"{UNFIT}batch=True: expected an integer >= 0)"),
    "an unknown entry of progress": (changed(progress__loss=0.5), f"{UNFIT}loss: is unknown)"),
    "an unknown cell": (changed(config__cell="RNN"), f"{UNFIT}cell='RNN': expected one of GRU, LSTM)"),
    "a cell in lower case": (changed(config__cell="gru"), f"{UNFIT}cell='gru': expected one of GRU, LSTM)"),
    "no features": (changed(config__num_features=0), "has a configuration that makes no model ("),
    "no units": (changed(config__num_units=0), f"{UNFIT}num_units=0: expected an integer >= 1)"),
    "units beyond memory": (changed(config__num_units=10**6), LARGER),
    "units beyond addresses": (changed(config__num_units=2**40), LARGER),
    "features beyond memory": (changed(config__num_features=10**6), LARGER),
    "features beyond addresses": (changed(config__num_features=2**53), LARGER),
    "more layers than tensors": (changed(config__num_layers=10**9), LARGER),
    "other units": (changed(config__num_units=4), "'encoder.recurrence.forward_stack.layers.0.rnn.weight_ih_l0' is"),
    "other features": (changed(config__num_features=5), "'encoder.recurrence.forward_stack.layers.0.rnn.weight_ih_l0'"),
    "more layers": (changed(config__num_layers=2), "has no tensor 'encoder.recurrence.forward_stack.layers.1.rnn."),
    "no layers": (changed(config__num_layers=0), f"{UNFIT}num_layers=0: expected an integer >= 1)"),
    "another cell": (changed(config__cell="LSTM"), "'encoder.recurrence.forward_stack.layers.0.rnn.weight_ih_l0' is"),
    "an encoder of two directions": (
        changed(config__bidirectional_encoder=True),
        "has no tensor 'encoder.recurrence.backward_stack.layers.0.rnn.weight_ih_l0'; it is damaged, or of another",
    ),
    "a decoder of two directions": (
        changed(config__bidirectional_decoder=True),
        "'representation.linear.weight' is float32 [3, 3], expected float32 [6, 3]; it is damaged, or of another model",
    ),
}


@pytest.mark.parametrize(("facts", "expected"), SAYS.values(), ids=SAYS)
def test_a_wrong_description_is_refused(model: Path, refused: Callable[..., str], facts: object, expected: str) -> None:
    model.write_bytes(with_facts(model.read_bytes(), json.dumps(facts) if facts is None else facts))
    assert refused(load_model, model.parent).startswith(f"{model}: {expected}")


@pytest.mark.parametrize("kind", ["f-rae", "ft-rae"])
@pytest.mark.parametrize(
    ("width", "overlap", "expected"),
    [
        (2, 2, "freq_window_overlap=2: must be at least 0 and smaller than"),
        (9, 0, "freq_window_width=9: the input has 4 bands"),
    ],
)
def test_windows_that_do_not_fit_are_refused(
    model: Path,
    originals: dict[str, tuple[bytes, bytes]],
    refused: Callable[..., str],
    kind: str,
    width: int,
    overlap: int,
    expected: str,
) -> None:
    facts = facts_of(kind)
    facts["config"] |= {"freq_window_width": width, "freq_window_overlap": overlap}
    model.write_bytes(with_facts(originals[kind][0], facts))
    assert refused(load_model, model.parent).startswith(f"{model}: has a configuration that makes no model ({expected}")


@pytest.mark.parametrize("said", MODELS)
@pytest.mark.parametrize("kind", MODELS)
def test_weights_of_another_kind_are_refused(
    model: Path, originals: dict[str, tuple[bytes, bytes]], refused: Callable[..., str], kind: str, said: str
) -> None:
    model.write_bytes(with_facts(originals[kind][0], facts_of(said)))
    if kind == said:
        assert type(load_model(model.parent)[0]) is MODELS[kind]
    else:
        message = refused(load_model, model.parent)
        assert (
            message.startswith(f"{model}: ")
            and "; it is damaged" in message
            and "tensor" in message
            or "is float" in message
        )


# tensors


WEIGHT = "reconstruction.linear.weight"  # [4, 4]
FIRST = "encoder.recurrence.forward_stack.layers.0.rnn.weight_ih_l0"
LOST = "it is damaged, or of another model"
TENSORS: dict[str, tuple[Callable[[dict[str, Tensor]], object], str]] = (
    {
        "one missing": (lambda t: t.pop(WEIGHT), f"has no tensor '{WEIGHT}'; {LOST}"),
        "all missing": (lambda t: t.clear(), f"has no tensor '{FIRST}'; {LOST}"),
        "one more": (lambda t: t.update(extra=torch.ones(2)), f"has an unknown tensor 'extra'; {LOST}"),
        "one renamed": (lambda t: t.update({"x": t.pop(WEIGHT)}), f"has no tensor '{WEIGHT}'; {LOST}"),
        "two swapped": (
            lambda t: t.update({WEIGHT: t["reconstruction.linear.bias"], "reconstruction.linear.bias": t[WEIGHT]}),
            f"'{WEIGHT}' is float32 [4], expected float32 [4, 4]; {LOST}",
        ),
        "a row more": (
            lambda t: t.update({WEIGHT: torch.ones(5, 4)}),
            f"'{WEIGHT}' is float32 [5, 4], expected float32 [4, 4]; {LOST}",
        ),
        "flat": (
            lambda t: t.update({WEIGHT: torch.ones(16)}),
            f"'{WEIGHT}' is float32 [16], expected float32 [4, 4]; {LOST}",
        ),
        "empty": (
            lambda t: t.update({WEIGHT: torch.ones(0, 4)}),
            f"'{WEIGHT}' is float32 [0, 4], expected float32 [4, 4]; {LOST}",
        ),
        "a scalar": (
            lambda t: t.update({WEIGHT: torch.tensor(1.0)}),
            f"'{WEIGHT}' is float32 [], expected float32 [4, 4]; {LOST}",
        ),
    }
    | {
        f"of type {kind}": (
            lambda t, kind=kind: t.update({WEIGHT: t[WEIGHT].to(getattr(torch, kind))}),
            f"'{WEIGHT}' is {kind} [4, 4], expected float32 [4, 4]; {LOST}",
        )
        for kind in ("float64", "float16", "bfloat16", "int64", "int32", "uint8", "bool")
    }
    | {
        f"with {value} in {where}": (
            lambda t, value=value, where=where: t[where].view(-1)[-1:].fill_(value),
            f"'{where}' is NaN or infinite in places; use the model of another step",
        )
        for value in (float("nan"), float("inf"), -float("inf"))
        for where in (WEIGHT, "representation.linear.bias")
    }
)


@pytest.mark.parametrize(("change", "expected"), TENSORS.values(), ids=TENSORS)
def test_wrong_tensors_are_refused(
    model: Path, refused: Callable[..., str], change: Callable[[dict[str, Tensor]], object], expected: str
) -> None:
    tensors = load_file(model)
    change(tensors)
    save_file(tensors, model, {"audeep": json.dumps(facts_of())})
    assert refused(load_model, model.parent) == f"{model}: {expected}"


MOMENT = "3.exp_avg"  # of the fourth parameter, biases: [9]
STATES: dict[str, tuple[Callable[[dict[str, Tensor]], object], str]] = {
    "a moment missing": (lambda t: t.pop(MOMENT), f"has no tensor '{MOMENT}'; {LOST}"),
    "a square missing": (lambda t: t.pop("3.exp_avg_sq"), f"has no tensor '3.exp_avg_sq'; {LOST}"),
    "a step missing": (lambda t: t.pop("3.step"), f"has no tensor '3.step'; {LOST}"),
    "all missing": (lambda t: t.clear(), f"has no tensor '0.step'; {LOST}"),
    "a parameter more": (
        lambda t: t.update({"16.exp_avg": torch.ones(2)}),
        f"has an unknown tensor '16.exp_avg'; {LOST}",
    ),
    "another state": (lambda t: t.update({"0.momentum": torch.ones(2)}), f"has an unknown tensor '0.momentum'; {LOST}"),
    "no number": (lambda t: t.update({"x.step": torch.ones(())}), f"has an unknown tensor 'x.step'; {LOST}"),
    "misshapen": (
        lambda t: t.update({MOMENT: torch.ones(8)}),
        f"'{MOMENT}' is float32 [8], expected float32 [9]; {LOST}",
    ),
    "of type float64": (
        lambda t: t.update({MOMENT: t[MOMENT].double()}),
        f"'{MOMENT}' is float64 [9], expected float32 [9]; {LOST}",
    ),
    "a step of type int64": (
        lambda t: t.update({"0.step": torch.tensor(1)}),
        f"'0.step' is int64 [], expected float32 []; {LOST}",
    ),
    "steps in a list": (
        lambda t: t.update({"0.step": torch.ones(1)}),
        f"'0.step' is float32 [1], expected float32 []; {LOST}",
    ),
    "no number in a moment": (
        lambda t: t[MOMENT].fill_(float("nan")),
        f"'{MOMENT}' is NaN or infinite in places; use the model of another step",
    ),
    "an infinite step": (
        lambda t: t["0.step"].fill_(float("inf")),
        "'0.step' is NaN or infinite in places; use the model of another step",
    ),
}


def load_both(directory: Path) -> None:
    """As training goes on."""
    model, progress = load_model(directory)
    load_optimiser(directory, progress.step, torch.optim.Adam(model.parameters()))


@pytest.mark.parametrize(("change", "expected"), STATES.values(), ids=STATES)
def test_a_wrong_state_of_the_optimiser_is_refused(
    model: Path, refused: Callable[..., str], change: Callable[[dict[str, Tensor]], object], expected: str
) -> None:
    path = optimiser_of(model)
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    assert refused(load_both, model.parent) == f"{path}: {expected}"


@pytest.mark.parametrize("kind", ["f-rae", "ft-rae"])
def test_the_state_of_another_optimiser_is_refused(
    model: Path, originals: dict[str, tuple[bytes, bytes]], refused: Callable[..., str], kind: str
) -> None:
    path = optimiser_of(model)
    path.write_bytes(originals[kind][1])
    assert refused(load_both, model.parent).startswith(
        f"{path}: '0.exp_avg' is float32 [9, 2], expected float32 [9, 4]"
    )


def test_a_missing_state_of_the_optimiser_is_refused(model: Path, refused: Callable[..., str]) -> None:
    path = optimiser_of(model)
    path.unlink()
    expected = f"{path}: no such file; training can only go on from the newest checkpoint of a run"
    assert refused(load_both, model.parent) == expected


# bytes


def entries(**changes: object) -> Callable[[bytes], bytes]:
    """Change what the header says of one tensor."""

    def change(content: bytes) -> bytes:
        header = header_of(content)
        header[WEIGHT] |= changes
        return with_header(content, header)

    return change


UNREADABLE = "cannot be read ("
CONTENTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nothing": (lambda b: b"", UNREADABLE),
    "seven bytes": (lambda b: b[:7], UNREADABLE),
    "the length of the header alone": (lambda b: b[:8], UNREADABLE),
    "text": (lambda b: b"no weights\n", UNREADABLE),
    "zeros": (lambda b: b"\0" * 1000, UNREADABLE),
    "ones": (lambda b: b"\xff" * 1000, UNREADABLE),
    "a header of 2^60 bytes": (lambda b: struct.pack("<Q", 2**60) + b[8:], UNREADABLE),
    "a header of 2^63 bytes": (lambda b: struct.pack("<Q", 2**63) + b[8:], UNREADABLE),
    "a header of 2^64 - 1 bytes": (lambda b: struct.pack("<Q", 2**64 - 1) + b[8:], UNREADABLE),
    "a header of 1 GB": (lambda b: struct.pack("<Q", 10**9) + b[8:], UNREADABLE),
    "a header longer than the file": (lambda b: struct.pack("<Q", len(b)) + b[8:], UNREADABLE),
    "a header of no bytes": (lambda b: struct.pack("<Q", 0) + b[8:], UNREADABLE),
    "a header one byte short": (lambda b: struct.pack("<Q", struct.unpack("<Q", b[:8])[0] - 1) + b[8:], UNREADABLE),
    "a header one byte long": (lambda b: struct.pack("<Q", struct.unpack("<Q", b[:8])[0] + 1) + b[8:], UNREADABLE),
    "a header that is no JSON": (lambda b: with_header(b, "{weights}"), UNREADABLE),
    "a header that is a list": (lambda b: with_header(b, []), UNREADABLE),
    "a header in UTF-16": (lambda b: struct.pack("<Q", 6) + "{}".encode("utf-16") + b, UNREADABLE),
    "a header without tensors": (lambda b: struct.pack("<Q", 2) + b"{}", NO_MODEL),
    "a header without description": (
        lambda b: with_header(b, {k: v for k, v in header_of(b).items() if k != "__metadata__"}),
        f"{NO_MODEL}has no 'audeep')",
    ),
    "a header with another description": (
        lambda b: with_header(b, header_of(b) | {"__metadata__": {"format": "pt"}}),
        f"{NO_MODEL}has no 'audeep')",
    ),
    "a description that is no text": (
        lambda b: with_header(b, header_of(b) | {"__metadata__": {"audeep": {}}}),
        UNREADABLE,
    ),
    "a tensor of unknown type": (entries(dtype="F128"), UNREADABLE),
    "a tensor of 10^12 rows": (entries(shape=[10**12, 4]), UNREADABLE),
    "a tensor of 2^63 rows": (entries(shape=[2**63, 4]), UNREADABLE),
    "a tensor of 2^64 rows": (entries(shape=[2**64, 4]), UNREADABLE),
    "a tensor of -4 rows": (entries(shape=[-4, 4]), UNREADABLE),
    "a tensor of half a row": (entries(shape=[0.5, 4]), UNREADABLE),
    "a tensor without shape": (entries(shape=None), UNREADABLE),
    "a tensor without place": (entries(data_offsets=None), UNREADABLE),
    "a tensor behind the end": (entries(data_offsets=[10**6, 10**6 + 64]), UNREADABLE),
    "a tensor that ends before it begins": (entries(data_offsets=[64, 0]), UNREADABLE),
    "a tensor over another": (entries(data_offsets=[0, 64]), UNREADABLE),
    "a tensor before the beginning": (entries(data_offsets=[-64, 0]), UNREADABLE),
    "bytes behind the end": (lambda b: b + b"more", UNREADABLE),
    "the file twice": (lambda b: b + b, UNREADABLE),
    "a pickle": (lambda b: pickle.dumps({"model": "t-rae"}), UNREADABLE),
    "a zip archive": (lambda b: b"PK\x03\x04" + b"\0" * 100, UNREADABLE),
    "HDF5": (lambda b: b"\x89HDF\r\n\x1a\n" + b"\0" * 100, UNREADABLE),
} | {f"noise {seed}": (lambda b, seed=seed: random.Random(seed).randbytes(2000), UNREADABLE) for seed in range(5)}


@pytest.mark.parametrize("which", ["model", "optimiser"])
@pytest.mark.parametrize(("change", "expected"), CONTENTS.values(), ids=CONTENTS)
def test_wrong_bytes_are_refused(
    model: Path, refused: Callable[..., str], which: str, change: Callable[[bytes], bytes], expected: str
) -> None:
    content = model.read_bytes()
    path = model if which == "model" else optimiser_of(model)
    path.write_bytes(change(content))
    if which == "optimiser" and expected != UNREADABLE:
        expected = "has no tensor '0.step'"
    assert refused(load_both, model.parent).startswith(f"{path}: {expected}")


@pytest.mark.parametrize("percent", range(0, 100, 4))
@pytest.mark.parametrize("which", ["model", "optimiser"])
def test_a_truncated_file_is_refused(model: Path, refused: Callable[..., str], which: str, percent: int) -> None:
    path = model if which == "model" else optimiser_of(model)
    content = path.read_bytes()
    path.write_bytes(content[: percent * len(content) // 100])
    message = refused(load_both, model.parent)
    assert message.startswith(f"{path}: cannot be read") and message.endswith(
        "; it is damaged or not a safetensors file"
    )


# directories


def old_checkpoint(path: Path) -> None:
    """The files of a checkpoint of auDeep 0.9."""
    path.mkdir()
    (path / "checkpoint").write_text('model_checkpoint_path: "model-120"\n')
    for name in ("model-120.index", "model-120.meta", "model-120.data-00000-of-00001"):
        (path / name).write_bytes(b"\0\0\0\0\1")


def files(*names: str) -> Callable[[Path], None]:
    """A directory of files that hold nothing."""

    def make(path: Path) -> None:
        path.mkdir()
        for name in names:
            (path / name).touch()

    return make


NO_CHECKPOINTS = "has no checkpoints (model-<step>.safetensors); name the directory of a training run"
DIRECTORIES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: None, "no such directory; name the directory of a training run"),
    "a file": (Path.touch, "is a file; name the directory of a training run"),
    "a pipe": (os.mkfifo, "is a device or a pipe; name the directory of a training run"),
    "a link to nowhere": (lambda path: path.symlink_to("nowhere"), "no such directory; name"),
    "empty": (Path.mkdir, NO_CHECKPOINTS),
    "with an optimiser alone": (files("model-5.optimiser.safetensors"), NO_CHECKPOINTS),
    "with logs alone": (files("events.out.tfevents.1"), NO_CHECKPOINTS),
    "with models of PyTorch": (files("model-5.pt", "model-5.bin", "model.ckpt"), NO_CHECKPOINTS),
    "with half a model": (files(".model-5.0a1b2c3d.partial.safetensors"), NO_CHECKPOINTS),
    "with a model without step": (files("model.safetensors", "model-.safetensors"), NO_CHECKPOINTS),
    "with a model of a step that is no number": (files("model-x5.safetensors", "model-5x.safetensors"), NO_CHECKPOINTS),
    "with a model of a step below zero": (files("model--5.safetensors"), NO_CHECKPOINTS),
    "with a model of step 007": (files("model-007.safetensors"), NO_CHECKPOINTS),
    "with a model of step ५": (files("model-५.safetensors"), NO_CHECKPOINTS),
    "with a model in capitals": (files("MODEL-5.SAFETENSORS"), NO_CHECKPOINTS),
    "of auDeep 0.9": (old_checkpoint, "has models of auDeep 0.9, which cannot be used; name the directory of"),
}


@pytest.mark.parametrize(("make", "expected"), DIRECTORIES.values(), ids=DIRECTORIES)
def test_a_directory_without_models_is_refused(
    tmp_path: Path, refused: Callable[..., str], make: Callable[[Path], object], expected: str
) -> None:
    path = tmp_path / "logs"
    make(path)
    assert refused(load_model, path).startswith(f"{path}: {expected}")


def test_the_directory_above_a_run_is_refused(model: Path, refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "above" / "run").mkdir(parents=True)
    model.parent.rename(tmp_path / "above" / "run" / "logs")
    assert refused(load_model, tmp_path / "above") == f"{tmp_path}/above: {NO_CHECKPOINTS}"


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")], ids=["directory", "link"])
def test_a_model_that_is_no_file_is_refused(tmp_path: Path, refused: Callable[..., str], make: Callable) -> None:
    path = tmp_path / "model-5.safetensors"
    make(path)
    assert refused(load_model, tmp_path).startswith(f"{path}: cannot be read")


@pytest.mark.parametrize("step", [0, 4, 6, 50, -5, 10**30])
def test_a_step_that_is_not_there_is_refused(model: Path, refused: Callable[..., str], step: int) -> None:
    expected = f"{model.parent}: has no checkpoint of step {step}; there are checkpoints of steps 5"
    assert refused(load_model, model.parent, step) == expected


@pytest.mark.parametrize("kind", ["f-rae", "ft-rae"])
def test_a_model_of_another_kind_is_refused(model: Path, refused: Callable[..., str], kind: str) -> None:
    expected = f"{model}: is a t-rae model, {kind} was expected; use 'audeep t-rae'"
    assert refused(load_model, model.parent, 5, kind) == expected
