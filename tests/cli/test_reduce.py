# SPDX-License-Identifier: GPL-3.0-or-later
"""reduce, from its command line to its output."""

from audeep import load
from audeep.evaluation.baselines import band_statistics


def test_features_are_reduced(audeep, spectrograms, tmp_path):
    source = load(spectrograms)
    band_statistics(source, source).save(tmp_path / "all.nc")
    command = f"reduce --input {tmp_path}/all.nc --components 4 --whiten 0.5 --output"
    result = audeep(f"{command} {tmp_path}/few.nc")
    assert result.status == 0 and "4 components hold " in result.err and "shape [4] written" in result.err
    few = load(tmp_path / "few.nc")
    assert few.feature_shape == (4,) and few.filenames.tolist() == source.filenames.tolist()
    assert audeep(f"-q {command} {tmp_path}/again.nc").out == ""
    assert (tmp_path / "again.nc").read_bytes() == (tmp_path / "few.nc").read_bytes()
    assert (
        audeep(f"-q svm evaluate --cross-validate --complexity 0.1 --input {tmp_path}/few.nc").out == "1.0000,1.0000\n"
    )


def test_spectrograms_are_refused(audeep, spectrograms, tmp_path):
    result = audeep(f"reduce --input {spectrograms} --components 4 --output {tmp_path}/out.nc")
    assert result.status == 1 and "one vector per instance is needed" in result.err and not list(tmp_path.iterdir())
