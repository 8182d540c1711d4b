# SPDX-License-Identifier: GPL-3.0-or-later
"""The common API of the HEAR benchmark, held to the rules of its validator and to the features of the command line."""

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audeep.cli.app import main
from audeep.data.data_set import load
from audeep.errors import ModelError, ShapeError
from audeep.inference import hear
from audeep.inference.features import FeatureExtractor
from tests.conftest import with_header

RATE = 16000
SPECTRA = "--sample-rate 16000 --mel-spectrum 8 --clip-below -60"
NETWORK = "--num-units 4 --num-layers 2 --bidirectional-decoder"


def run(command: str) -> None:
    assert main(shlex.split(f"-q {command}")) == 0


def noise(count: int, seconds: float, seed: int = 0) -> torch.Tensor:
    """[sound, num_samples] between -1 and 1."""
    return torch.rand(count, int(seconds * RATE), generator=torch.Generator().manual_seed(seed)) * 2 - 1


def write(folder: Path, audio: torch.Tensor) -> Path:
    """Recordings 0.wav, 1.wav, ... that hold exactly these samples."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, signal in enumerate(audio.numpy()):
        soundfile.write(folder / f"{index}.wav", signal, RATE, subtype="FLOAT")
    return folder


def with_preprocessing(logs: Path, target: Path, **settings: object) -> Path:
    """The model in `logs`, saying that its spectrograms were made with other `settings`."""
    return with_header(
        logs, target, lambda header: {**header, "preprocessing": {**header["preprocessing"], **settings}}
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Gives the directory of checkpoints of a training on half a second of noise, made once for each set of options."""
    root, done = tmp_path_factory.mktemp("hear"), {}
    recordings = write(root / "recordings", noise(6, 0.5, seed=9))

    def train(spectra: str = SPECTRA, network: str = NETWORK, kind: str = "t-rae") -> Path:
        key = (spectra, network, kind)
        if key not in done:
            name = root / str(len(done))
            run(f"preprocess --parser no-metadata --basedir {recordings} {spectra} --output {name}.nc --jobs 1")
            run(f"{kind} train --input {name}.nc --run-name {name} --num-epochs 1 --device cpu {network}")
            done[key] = name / "logs"
        return done[key]

    return train


def generated(tmp_path: Path, logs: Path, audio: torch.Tensor, spectra: str = SPECTRA) -> np.ndarray:
    """The features that the command line gives for sounds."""
    recordings = write(tmp_path / "sounds", audio)
    spectrograms, features = tmp_path / "sounds.nc", tmp_path / "features.nc"
    run(f"preprocess --parser no-metadata --basedir {recordings} {spectra} --output {spectrograms} --jobs 1")
    run(f"t-rae generate --input {spectrograms} --model-dir {logs} --output {features} --device cpu")
    return load(features).features


def check_model(model: torch.nn.Module) -> None:
    """What the validator asks of a model."""
    assert isinstance(model, torch.nn.Module)
    assert model.sample_rate in (16000, 22050, 32000, 44100, 48000)
    assert type(model.scene_embedding_size) is int and type(model.timestamp_embedding_size) is int


def check_timestamps(model: torch.nn.Module, num_sounds: int, seconds: float) -> None:
    """What the validator asks of `get_timestamp_embeddings`, its warnings included."""
    audio = torch.rand(num_sounds, int(seconds * model.sample_rate)) * 2 - 1
    embeddings, timestamps = hear.get_timestamp_embeddings(audio, model)
    assert embeddings.dtype == torch.float32
    assert embeddings.ndim == 3 and timestamps.ndim == 2
    assert embeddings.shape[:2] == timestamps.shape and len(embeddings) == num_sounds
    assert embeddings.shape[2] == model.timestamp_embedding_size
    embeddings.detach().cpu().numpy()
    times = timestamps.detach().cpu().numpy()
    steps = np.diff(times)
    assert np.abs(steps - steps.mean()).max() <= 1
    assert times.min() <= steps.mean()
    assert 1000 * seconds - min(steps.mean(), 50) <= times.max() <= 1000 * seconds


def check_scenes(model: torch.nn.Module, num_sounds: int, seconds: float) -> None:
    """What the validator asks of `get_scene_embeddings`."""
    audio = torch.rand(num_sounds, int(seconds * model.sample_rate)) * 2 - 1
    embeddings = hear.get_scene_embeddings(audio, model)
    assert embeddings.dtype == torch.float32
    assert embeddings.shape == (num_sounds, model.scene_embedding_size)


@pytest.mark.slow
@pytest.mark.parametrize(
    "spectra, network",
    [
        (SPECTRA, NETWORK),
        (f"{SPECTRA} --fixed-length 0.5", "--num-units 4 --bidirectional-encoder --cell LSTM"),
        (f"{SPECTRA} --window-width 0.1 --window-overlap 0.08 --chunk-length 0.2 --chunk-count 2", NETWORK),
        (SPECTRA, "--num-units 4 --bidirectional-encoder --decoder frame"),
        ("--sample-rate 22050 --window-width 0.08 --window-overlap 0.04 --fixed-length 0.5", NETWORK),
    ],
)
def test_the_rules_of_the_validator_hold(trained: Callable[..., Path], spectra: str, network: str) -> None:
    model = hear.load_model(str(trained(spectra, network)))
    model.to("cpu")
    check_model(model)
    for seconds in (1.07, 1.98, 4.0):
        check_timestamps(model, 2, seconds)
    check_scenes(model, 4, 2.74)


@pytest.mark.parametrize("spectra, seconds", [(SPECTRA, 0.7), (f"{SPECTRA} --fixed-length 0.5", 0.5)])
def test_scenes_have_the_features_of_the_command_line(
    tmp_path: Path, trained: Callable[..., Path], spectra: str, seconds: float
) -> None:
    logs, audio = trained(spectra), noise(3, seconds)
    found = hear.get_scene_embeddings(audio, hear.load_model(logs))
    if "fixed" not in spectra:  # so that lengths differ from those of training, which the command line has to be told
        write(tmp_path / "sounds" / "longer", noise(1, 0.9))
    expected = generated(tmp_path, logs, audio, spectra)[:3]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)


def test_scenes_of_the_length_of_training_have_the_bytes_of_the_command_line(
    tmp_path: Path, trained: Callable[..., Path]
) -> None:
    logs, audio = trained(), noise(3, 0.5)
    found = hear.get_scene_embeddings(audio, hear.load_model(logs)).numpy()
    assert found.tobytes() == generated(tmp_path, logs, audio).tobytes()


@pytest.mark.slow
def test_long_sounds_are_the_weighted_mean_of_parts(tmp_path: Path, trained: Callable[..., Path]) -> None:
    spectra = f"{SPECTRA} --fixed-length 0.5"
    logs, audio = trained(spectra), noise(2, 1.1)
    length = RATE // 2
    first, second, rest = (
        generated(tmp_path / str(start), logs, audio[:, start : start + length], spectra)
        for start in range(0, audio.shape[1], length)
    )
    expected = (0.5 * first + 0.5 * second + 0.1 * rest) / 1.1
    found = hear.get_scene_embeddings(audio, hear.load_model(logs))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_a_timestamp_has_the_state_of_the_encoder_there(trained: Callable[..., Path]) -> None:
    model = hear.load_model(trained())
    audio = noise(2, 0.3)
    embeddings, timestamps = hear.get_timestamp_embeddings(audio, model)
    window, hop = 0.04 * RATE, 0.02 * RATE  # the defaults of preprocess
    silence = torch.zeros(2, int(window) // 2)
    spectrograms = [
        model.front_end.chunks_and_rate_of("", signal.double().numpy()[np.newaxis], RATE)[0][0]
        for signal in torch.cat([silence, audio, silence], dim=1)
    ]
    np.testing.assert_allclose(timestamps[0], np.arange(len(spectrograms[0])) * 1000 * hop / RATE)
    for index in (0, 5, len(spectrograms[0]) - 1):
        read = torch.from_numpy(np.stack(spectrograms)[:, : index + 1])
        with torch.no_grad():
            state = model.model.encoder(read.transpose(0, 1))  # [batch, layers * units], GRU
        np.testing.assert_allclose(embeddings[:, index], state[:, -4:], atol=1e-6)


def test_a_timestamp_is_the_centre_of_what_is_seen_there(trained: Callable[..., Path]) -> None:
    audio = torch.zeros(2, RATE)
    audio[:, 0] = 1  # the loudest of both
    audio[1, RATE // 2] = 0.5
    embeddings, timestamps = hear.get_timestamp_embeddings(audio, hear.load_model(trained()))
    differs = (embeddings[0] - embeddings[1]).abs().amax(dim=1) > 1e-4
    assert timestamps[0, differs.nonzero()[0]].item() == pytest.approx(500, abs=20)  # half a window


def test_embeddings_need_no_gradients(trained: Callable[..., Path]) -> None:
    model = hear.load_model(trained())
    assert not hear.get_scene_embeddings(noise(1, 0.5), model).requires_grad
    assert not hear.get_timestamp_embeddings(noise(1, 0.5), model)[0].requires_grad


def test_a_model_is_named_by_its_file_or_its_directory(trained: Callable[..., Path]) -> None:
    logs = trained()
    (file,) = (path for path in logs.glob("model-*.safetensors") if "optimiser" not in path.name)
    one, other = (hear.load_model(str(path)).model.state_dict() for path in (file, logs))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_rate_of_all_recordings_is_remembered(trained: Callable[..., Path]) -> None:
    assert hear.load_model(trained("--mel-spectrum 8")).sample_rate == RATE


@pytest.mark.slow
def test_recordings_of_several_rates_need_to_be_told_one(tmp_path: Path, trained: Callable[..., Path]) -> None:
    logs = with_preprocessing(trained("--mel-spectrum 8"), tmp_path / "mixed", sample_rate=None)
    with pytest.raises(ModelError, match=r"recordings of several sample rates; name one by load_model\(path,"):
        hear.load_model(logs)
    assert hear.load_model(logs, sample_rate=RATE).sample_rate == RATE
    logs = with_preprocessing(trained("--window-width 0.04"), tmp_path / "bins", sample_rate=None)
    with pytest.raises(ModelError, match="was trained on 321 bands, its settings give 161 at 8000 Hz"):
        hear.load_model(logs, sample_rate=8000)


def test_models_without_embeddings_of_timestamps_embed_scenes(trained: Callable[..., Path]) -> None:
    logs = trained(SPECTRA, "--num-t-units 3 --freq-window-width 4 --freq-window-overlap 2", "ft-rae")
    model = hear.load_model(logs)
    check_model(model)
    check_scenes(model, 2, 0.5)
    assert model.timestamp_embedding_size == 0
    with pytest.raises(ModelError, match="does not embed points in time; use one of t-rae or masked-frames"):
        hear.get_timestamp_embeddings(noise(1, 0.5), model)


def test_unfit_models_are_refused(tmp_path: Path, trained: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match="is a model of single frames; a model of whole spectrograms is needed"):
        hear.load_model(trained(SPECTRA, "--num-units 2 --freq-window-width 4 --freq-window-overlap 2", "f-rae"))
    with pytest.raises(ModelError, match=r"weights.bin: is not a model; name model-<step>.safetensors, or the"):
        hear.load_model(tmp_path / "weights.bin")
    with pytest.raises(ModelError, match="has no checkpoint of step 7"):
        hear.load_model(trained() / "model-7.safetensors")


@pytest.mark.parametrize(
    "settings, message",
    [
        (None, "does not tell how its spectrograms were made"),
        ([1], r"has the preprocessing \[1\], settings were expected"),
        ({"window_width": "wide"}, "has settings of preprocessing that cannot be used"),
        ({"window_width": -1.0}, "has settings of preprocessing that cannot be used"),
        ({"mel_spectrum": 8.5}, "has settings of preprocessing that cannot be used"),
        ({"colour": "red"}, "has settings of preprocessing that cannot be used"),
    ],
)
def test_damaged_settings_are_refused(
    tmp_path: Path, trained: Callable[..., Path], settings: object, message: str
) -> None:
    with_header(trained(), tmp_path, lambda header: {**header, "preprocessing": settings})
    with pytest.raises(ModelError, match=message):
        hear.load_model(tmp_path)
    with pytest.raises(ModelError, match=message):
        FeatureExtractor(tmp_path)


@pytest.mark.parametrize("shape", [(RATE,), (0, RATE), (2, 0), (0,), (1, 1, RATE), ()])
def test_what_are_no_sounds_is_refused(trained, shape):
    model = hear.load_model(trained())
    for embeddings in (hear.get_scene_embeddings, hear.get_timestamp_embeddings):
        with pytest.raises(ShapeError, match=r"audio has shape \[.*\], \[sound, num_samples\] was expected"):
            embeddings(torch.zeros(shape), model)


def test_arrays_are_sounds_too(trained):
    model, audio = hear.load_model(trained()), noise(2, 0.5)
    torch.testing.assert_close(
        hear.get_scene_embeddings(audio.numpy(), model), hear.get_scene_embeddings(audio, model), rtol=0, atol=0
    )
