# SPDX-License-Identifier: GPL-3.0-or-later
"""Each command on small real input, from its command line to its output."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audeep import load
from audeep.data.schema import Partition
from audeep.models.checkpoints import load_model, steps_in
from audeep.models.registry import kind_of

SPECTRA = "--window-width 0.05 --window-overlap 0.025 --mel-spectrum 12"


@pytest.mark.slow
def test_inspect_raw_prints_the_table_of_the_manual_for_esc_10(audeep, esc10):
    result = audeep(f"inspect raw --basedir {esc10}")
    assert result.status == 0
    assert (
        result.out.strip()
        == """\
+-----------------------------------+
| data set information              |
+------------------------+----------+
| number of audio files  |      400 |
| number of labels       |       10 |
| cross validation folds |        5 |
| minimum sample length  |   3.64 s |
| maximum sample length  |   7.24 s |
| sample rate            | 44100 Hz |
| channels               |        1 |
+------------------------+----------+"""
    )


def test_inspect_netcdf_prints_what_auDeep_printed(audeep, golden):
    result = audeep(f"inspect netcdf --input {golden}/old_features_cv.nc --instance 3 --detailed-folds")
    assert result.out.strip() == (golden / "old_inspect_netcdf.txt").read_text().strip()


def test_inspect_netcdf_shows_sizes_classes_and_settings(audeep, spectrograms, tmp_path):
    data_set = load(spectrograms)
    data_set.labels_nominal[:3], data_set.labels_numeric[:3] = None, np.nan
    data_set.partition[:4] = Partition.TEST
    data_set.save(tmp_path / "partly.nc")
    result = audeep(f"inspect netcdf --input {tmp_path}/partly.nc")
    rows = [re.split(r" *\| *", line)[1:-1] for line in result.out.splitlines() if line.startswith("|")]
    known = data_set.labels_nominal[3:].tolist()
    counts = {name: known.count(name) for name in ("high", "low")}
    for expected in (
        ["recordings", "24"],
        ["time", "19"],
        ["freq", "12"],
        ["partition TEST", "4"],
        ["fold 3, validation", "8"],
        ["features in memory", f"{24 * 19 * 12 * 4 / 1e6:.3f} MB"],
        *([name, str(number), str(count), f"{count / 24:.2%}"] for number, (name, count) in enumerate(counts.items())),
        ["without label", "", "3", "12.50%"],
        ["window_width", "0.05"],
        ["mel_spectrum", "12"],
    ):
        assert expected in rows


def test_preprocess_stores_spectrograms_with_labels_and_folds_in_sorted_order(spectrograms, recordings):
    data_set = load(spectrograms)
    assert data_set.features.shape == (24, 19, 12)
    assert data_set.filenames.tolist() == sorted(
        path.relative_to(recordings).as_posix() for path in recordings.rglob("*.wav")
    )
    assert data_set.label_map == {"high": 0, "low": 1}
    for instance in data_set:
        _, fold, label, _ = re.split("[_/]", instance.filename)
        assert instance.label_nominal == label
        assert [int(split) for split in instance.cv_folds] == [int(int(fold) == number) for number in (1, 2, 3)]


def test_preprocess_compresses_if_asked(audeep, recordings, spectrograms, tmp_path):
    command = f"preprocess --basedir {recordings} {SPECTRA} --clip-below -30 --jobs 1"
    for level in (0, 9):
        assert audeep(f"{command} --output {tmp_path}/{level}.nc --compression {level}").status == 0
    plain, small = load(tmp_path / "0.nc"), load(tmp_path / "9.nc")
    np.testing.assert_array_equal(plain.features, small.features)
    assert small.data["features"].encoding["complevel"] == 9 and not plain.data["features"].encoding["zlib"]


@pytest.mark.slow
def test_preprocess_gives_the_same_file_content_with_one_and_with_several_processes(
    audeep, recordings, spectrograms, tmp_path
):
    assert audeep(f"preprocess --basedir {recordings} {SPECTRA} --output {tmp_path}/2.nc --jobs 2").status == 0
    one, two = load(spectrograms), load(tmp_path / "2.nc")
    np.testing.assert_array_equal(one.features, two.features)
    assert one.filenames.tolist() == two.filenames.tolist()


@pytest.mark.slow
def test_preprocess_cuts_chunks_and_numbers_them(audeep, recordings, tmp_path):
    command = f"preprocess --basedir {recordings} {SPECTRA} --chunk-length 0.2 --chunk-count 2 --output {tmp_path}/c.nc"
    assert audeep(command).status == 0
    data_set = load(tmp_path / "c.nc")
    assert data_set.features.shape == (48, 8, 12)
    assert data_set.chunk_nrs.tolist() == [0, 1] * 24
    assert data_set.filenames[:2].tolist() == ["fold_1/high/0.wav"] * 2


@pytest.mark.slow
def test_pretend_prints_a_table_writes_a_picture_and_nothing_else(audeep, recordings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = audeep(f"preprocess --basedir {recordings} {SPECTRA} --pretend 3 --plot {tmp_path}/p.png")
    assert result.status == 0
    assert "| data file       | fold_1/high/3.wav |" in result.out
    assert "| time steps      | 19 " in result.out
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["p.png"]


def test_pretend_without_a_display_says_how_to_get_the_picture(audeep, recordings, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    result = audeep(f"preprocess --basedir {recordings} {SPECTRA} --pretend 0")
    assert result.status == 0
    assert "no display" in result.err and "--plot FILE" in result.err


@pytest.mark.slow
def test_a_parser_may_come_from_a_file(audeep, recordings, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from audeep.backend.log import LoggingMixin\n"
        "from audeep.backend.parsers.base import Parser, _InstanceMetadata\n"
        "class Mine(LoggingMixin, Parser):\n"
        "    def __init__(self, basedir):\n"
        "        super().__init__(basedir)\n"
        "    def can_parse(self):\n"
        "        return True\n"
        "    def parse(self):\n"
        "        self.log.info('reading %s', self._basedir)\n"
        "        paths = sorted(self._basedir.glob('fold_1/*/*.wav'))\n"
        "        return [_InstanceMetadata(path=p, filename=p.name + p.parent.name, label_nominal=p.parent.name,\n"
        "                                  label_numeric=int(p.parent.name == 'low'), cv_folds=[], partition=None)\n"
        "                for p in paths]\n"
    )
    parser = f"--parser {tmp_path}/mine.py:Mine"
    assert audeep(f"preprocess --basedir {recordings} {parser} {SPECTRA} --output {tmp_path}/m.nc").status == 0
    data_set = load(tmp_path / "m.nc")
    assert len(data_set) == 8 and data_set.label_map == {"high": 0, "low": 1} and data_set.num_folds == 0


def test_training_writes_a_model_after_each_epoch_and_goes_on_with_continue(audeep, spectrograms, tmp_path):
    command = f"t-rae train --input {spectrograms} --run-name {tmp_path}/run --batch-size 8 --num-units 4"
    first = audeep(f"{command} --num-epochs 2")
    assert first.status == 0
    assert steps_in(tmp_path / "run" / "logs") == [3, 6]
    assert re.search(r"epoch 2 of 2: loss 0\.\d+, 3 batches in .* s, model-6\.safetensors", first.err)
    assert audeep(f"{command} --num-epochs 3").status == 1
    assert audeep(f"{command} --num-epochs 3 --continue").status == 0
    assert steps_in(tmp_path / "run" / "logs") == [6, 9]
    assert list((tmp_path / "run" / "logs").glob("events.out.tfevents.*"))


def test_all_options_of_the_model_reach_it(audeep, spectrograms, tmp_path):
    options = (
        "--num-layers 2 --num-units 3 --bidirectional-encoder --bidirectional-decoder --keep-prob 0.7"
        " --encoder-noise 0.1 --feed-previous-prob 0.2 --cell lstm --mask-silence --masked-frames 0.3 --mask-span 5"
    )
    audeep(f"t-rae train --input {spectrograms} --run-name {tmp_path} --num-epochs 1 {options}")
    model, _ = load_model(tmp_path / "logs")
    assert vars(model.config) == {
        **{"num_steps": 19, "num_features": 12, "num_layers": 2, "num_units": 3, "keep_prob": 0.7, "cell": "LSTM"},
        **{"bidirectional_encoder": True, "bidirectional_decoder": True, "encoder_noise": 0.1},
        **{"feed_previous_prob": 0.2, "mask_silence": True},
        **{"masked_frames": 0.3, "mask_span": 5},
    }


def test_the_frame_decoder_of_earlier_scripts_is_the_masked_frame_autoencoder(audeep, spectrograms, tmp_path):
    options = "--decoder frame --bidirectional-decoder --hidden-frames 0.3 --hidden-stretch 5"
    made = audeep(f"t-rae train --input {spectrograms} --run-name {tmp_path} --num-epochs 1 {options}")
    assert "--bidirectional-decoder and --feed-previous-prob have no effect" in made.err
    model, _ = load_model(tmp_path / "logs", kind="t-rae")  # whose commands take it
    assert kind_of(type(model)) == "masked-frames" and (model.config.masked_frames, model.config.mask_span) == (0.3, 5)


def test_generate_writes_one_file_for_each_step(audeep, run_directory, spectrograms, tmp_path):
    command = f"t-rae generate --model-dir {run_directory}/logs --input {spectrograms}"
    assert audeep(f"{command} --steps 3 6 --output {tmp_path}/a.nc {tmp_path}/b.nc").status == 0
    assert audeep(f"{command} --output {tmp_path}/newest.nc").status == 0
    early, late, newest = (load(tmp_path / f"{name}.nc").features for name in ("a", "b", "newest"))
    assert early.shape == (24, 16)
    np.testing.assert_array_equal(late, newest)
    assert np.abs(early - late).max() > 1e-4


@pytest.fixture(scope="session")
def features(run_directory, spectrograms, tmp_path_factory) -> Path:
    """Features of the tones."""
    from audeep.pipeline.generate import generate

    path = tmp_path_factory.mktemp("features") / "features.nc"
    generate(run_directory / "logs", load(spectrograms), [path])
    return path


@pytest.mark.slow
def test_evaluate_prints_folds_mean_and_confusion_matrix(audeep, features, tmp_path):
    result = audeep(f"svm evaluate --input {features} --cross-validate --complexity 1 --plot {tmp_path}/confusion.png")
    assert result.status == 0
    assert re.search(r"\| fold 3 +\| +100\.00% \| +100\.00% \|", result.out)
    assert re.search(r"\| \(1\) high .*\| +12 \| +0 \|", result.out)
    assert "accuracy 100.00% (+/- 0.00%), UAR 100.00% (+/- 0.00%)" in result.out
    assert (tmp_path / "confusion.png").stat().st_size > 1000


@pytest.mark.slow
def test_quiet_evaluate_prints_accuracy_and_recall_for_scripts(audeep, features):
    options = "--cross-validate --num-epochs 60 --num-units 20 --repeat 2 --shuffle"
    for command in (
        f"--quiet mlp evaluate --input {features} {options}",
        f"mlp evaluate -q --input {features} {options}",
    ):
        result = audeep(command)
        assert re.fullmatch(r"[01]\.\d{4},[01]\.\d{4}\n", result.out)
        assert result.err == ""


def test_evaluate_works_on_partitions_of_files_made_by_auDeep(audeep, golden):
    partitions = "--train-partitions TRAIN devel --eval-partitions TEST"
    result = audeep(f"-q svm evaluate --input {golden}/old_features_partitioned.nc {partitions} --complexity 0.1")
    accuracy, recall = map(float, result.out.split(","))
    assert result.status == 0 and accuracy > 0.25 and recall > 0.25


@pytest.mark.parametrize("file_format", ["csv", "arff"])
def test_export_writes_the_validation_split_of_each_fold(audeep, features, tmp_path, file_format):
    command = f"export --input {features} --format {file_format} --name tones --labels-last --output {tmp_path}"
    assert audeep(command).status == 0
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        f"fold_{fold}/tones.{file_format}" for fold in (1, 2, 3)
    ]
    if file_format == "csv":
        table = pd.read_csv(tmp_path / "fold_2" / "tones.csv")
        assert table.columns[-2:].tolist() == ["label_nominal", "label_numeric"]
        assert table["filename"].str.startswith("fold_2/").all() and len(table) == 8


def test_validate_reports_violations_and_fails(audeep, features, tmp_path):
    assert audeep(f"validate --input {features}").status == 0
    data_set = load(features)
    data_set.labels_nominal[0] = "low"
    data_set.save(tmp_path / "wrong.nc")
    result = audeep(f"validate --input {tmp_path}/wrong.nc --detailed")
    assert result.status == 1
    assert "5: fold_1/high/0.wav, chunk 0: label 'low' has number 0, the map says 1" in result.out
    assert result.err == f"{tmp_path}/wrong.nc: violates 1 of 7 integrity constraints\n"


def test_options_that_have_lost_their_meaning_say_so(audeep, spectrograms, features, tmp_path):
    train = audeep(f"t-rae train --input {spectrograms} --run-name {tmp_path}/r --num-epochs 1 --tempdir {tmp_path}/t")
    assert "--tempdir" in train.err and "no effect" in train.err and not (tmp_path / "t").exists()
    shuffle = audeep(f"mlp evaluate --input {features} --cross-validate --num-epochs 1 --shuffle")
    assert "--shuffle" in shuffle.err and "no effect" in shuffle.err


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_twice(audeep, recordings, tmp_path):
    outputs = []
    for run in (tmp_path / "1", tmp_path / "2"):
        audeep(f"preprocess --basedir {recordings} {SPECTRA} --output {run}/s.nc --jobs {run.name}")
        audeep(f"t-rae train --input {run}/s.nc --run-name {run} --num-epochs 1 --seed 7")
        audeep(f"t-rae generate --model-dir {run}/logs --input {run}/s.nc --output {run}/f.nc")
        command = f"-q mlp evaluate --input {run}/f.nc --cross-validate --num-epochs 5 --seed 7"
        outputs.append((*(path.read_bytes() for path in sorted(run.rglob("model-*"))), audeep(command).out))
        outputs[-1] += (load(run / "f.nc").features.tobytes(),)
    assert outputs[0] == outputs[1]


@pytest.mark.slow
def test_labels_without_numbers_are_numbered_alphabetically(audeep, recordings, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from audeep.parsers.base import InstanceMetadata, Parser\n"
        "class Mine(Parser):\n"
        "    def missing(self):\n"
        "        return None\n"
        "    def instances(self):\n"
        "        for path in sorted(self.basedir.glob('fold_1/*/*.wav')):\n"
        "            yield InstanceMetadata(path, str(path), label_nominal=path.parent.name)\n"
    )
    parser = f"--parser {tmp_path}/mine.py:Mine"
    assert audeep(f"preprocess --basedir {recordings} {parser} {SPECTRA} --output {tmp_path}/m.nc").status == 0
    data_set = load(tmp_path / "m.nc")
    assert data_set.label_map == {"high": 0, "low": 1}
    assert data_set.labels_numeric.tolist() == [0] * 4 + [1] * 4


def test_a_recording_whose_name_is_no_text_is_refused_before_the_work(audeep, tmp_path, recordings):
    source = (recordings / "fold_1" / "low" / "0.wav").read_bytes()
    (tmp_path / "in").mkdir()
    with open(bytes(tmp_path / "in") + b"/\xe4.wav", "wb") as file:
        file.write(source)
    result = audeep(f"preprocess --basedir {tmp_path}/in --parser no-metadata --output {tmp_path}/out.nc")
    assert result.status == 1 and "is not a name in UTF-8; rename the recording" in result.err
    assert not (tmp_path / "out.nc").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "model, options, shape, dims",
    [
        ("f-rae", "--num-units 3 --bidirectional-encoder", (24, 19, 3), ("generated_0", "generated_1")),
        ("ft-rae", "--num-f-units 3 --num-t-units 4 --bidirectional-t-decoder", (24, 16), ("generated",)),
    ],
)
def test_frequency_autoencoders_train_go_on_and_generate(audeep, spectrograms, tmp_path, model, options, shape, dims):
    windows = "--freq-window-width 4 --freq-window-overlap 2"
    command = f"{model} train --input {spectrograms} --run-name {tmp_path}/run {windows} {options} --batch-size 8"
    assert audeep(f"{command} --num-epochs 1").status == 0
    assert audeep(f"{command} --num-epochs 2 --continue").status == 0
    generate = f"generate --model-dir {tmp_path}/run/logs --input {spectrograms} --output {tmp_path}/f.nc"
    assert audeep(f"{model} {generate}").status == 0
    data_set = load(tmp_path / "f.nc")
    assert data_set.features.shape == shape and data_set.feature_dims == dims
    assert np.isfinite(data_set.features).all() and data_set.num_folds == 3
    wrong = audeep(f"t-rae {generate}")
    assert wrong.status == 1 and f"is a {model} model, t-rae was expected; use 'audeep {model}'" in wrong.err


def test_a_t_rae_trains_on_the_features_of_an_f_rae(audeep, spectrograms, tmp_path):
    windows = "--freq-window-width 4 --freq-window-overlap 2"
    audeep(f"f-rae train --input {spectrograms} --run-name {tmp_path}/f {windows} --num-epochs 1")
    audeep(f"f-rae generate --model-dir {tmp_path}/f/logs --input {spectrograms} --output {tmp_path}/f.nc")
    assert audeep(f"t-rae train --input {tmp_path}/f.nc --run-name {tmp_path}/t --num-epochs 1").status == 0
    command = f"t-rae generate --model-dir {tmp_path}/t/logs --input {tmp_path}/f.nc --output {tmp_path}/t.nc"
    assert audeep(command).status == 0
    assert load(tmp_path / "t.nc").features.shape == (24, 16)


def test_windows_wider_than_the_spectrogram_are_refused(audeep, spectrograms, tmp_path):
    result = audeep(f"f-rae train --input {spectrograms} --run-name {tmp_path}/run")
    assert result.status == 1
    assert result.err == "--freq-window-width 32: the input has 12 bands; choose a smaller width\n"
    assert not (tmp_path / "run").exists()


def test_pooled_features_are_offered_where_there_are_others(audeep):
    shown = {kind: audeep(f"help {kind} generate").out for kind in ("t-rae", "f-rae", "masked-frames")}
    assert {kind: "--pooled" in text for kind, text in shown.items()} == {
        **{"t-rae": True, "f-rae": False, "masked-frames": False}
    }


@pytest.mark.slow
def test_commands_end_with_one_that_may_come_next(audeep, recordings, tmp_path):
    spectra = f"preprocess --basedir {recordings} --mel-spectrum 8 --jobs 1 --output {tmp_path}/s.nc"
    result = audeep(spectra)
    line = result.err.splitlines()[-1]
    assert line.startswith("next: audeep ") and f"train --preset recommended --input {tmp_path}/s.nc" in line
    result = audeep(f"t-rae train --input {tmp_path}/s.nc --num-epochs 1 --num-units 2 --run-name '{tmp_path}/a run'")
    following = f"t-rae generate --model-dir '{tmp_path}/a run' --input {tmp_path}/s.nc --output features.nc"
    assert result.err.splitlines()[-1] == f"next: audeep {following}"
    result = audeep(following.replace("features.nc", f"{tmp_path}/f.nc"))
    following = f"svm evaluate --input {tmp_path}/f.nc --cross-validate"
    assert result.status == 0 and result.err.splitlines()[-1] == f"next: audeep {following}"
    assert audeep(following).status == 0
    assert audeep(f"-q {spectra}").err == ""


@pytest.mark.slow
def test_a_run_keeps_two_models_or_as_many_as_are_asked_for(audeep, spectrograms, tmp_path):
    for options, kept in (("", [9, 12]), ("--checkpoints-to-keep 9", [3, 6, 9, 12])):
        command = f"t-rae train --input {spectrograms} --num-units 2 --num-epochs 4 --batch-size 8"
        assert audeep(f"{command} --run-name {tmp_path}/{len(kept)} {options}").status == 0
        assert steps_in(tmp_path / str(len(kept)) / "logs") == kept


def test_help_shows_the_values_that_an_option_can_have(audeep):
    assert "--cell {GRU,LSTM}" in audeep("help t-rae train").out
