# SPDX-License-Identifier: GPL-3.0-or-later
"""Chains of Ogg recordings, and those whose last page is not marked as the last."""

import numpy as np
import pytest
import soundfile

from audeep.audio.ogg import checksum
from audeep.audio.reading import audio_info, read_audio
from audeep.errors import AudioError

RATE = 16000


def write(path, seconds=2, seed=0, rate=RATE, subtype="VORBIS"):
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, int(seconds * rate))
    soundfile.write(path, samples, rate, format="OGG", subtype=subtype)
    return path


def unmarked(path):
    """Take the mark off the last page."""
    content = bytearray(path.read_bytes())
    at = content.rindex(b"OggS")
    content[at + 5] &= ~4
    content[at + 22 : at + 26] = bytes(4)
    content[at + 22 : at + 26] = checksum(content[at:]).to_bytes(4, "little")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_without_the_mark_of_its_last_page_all_is_read_with_a_warning(tmp_path, caplog, subtype):
    path = write(tmp_path / "a.ogg", subtype=subtype)
    whole = read_audio(path)[0]
    np.testing.assert_array_equal(read_audio(unmarked(path))[0], whole)
    assert audio_info(path).num_samples == 2 * RATE
    assert "a.ogg: has a last Ogg page that is not marked as the last, it may be cut off" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_without_its_last_page_it_is_read_as_far_as_it_goes(tmp_path, caplog, subtype):
    path = write(tmp_path / "a.ogg", 10, subtype=subtype)
    whole, content = read_audio(path)[0], path.read_bytes()
    path.write_bytes(content[: content.rindex(b"OggS")])
    samples, _ = read_audio(path)
    assert 5 * RATE < samples.shape[1] < whole.shape[1]
    np.testing.assert_array_equal(samples[:, : 5 * RATE], whole[:, : 5 * RATE])
    assert "not marked as the last" in caplog.text


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("seconds", [(1, 2), (0.5, 1, 0.7)])
def test_the_links_of_a_chain_are_read_one_after_the_other(tmp_path, caplog, subtype, seconds):
    links = [write(tmp_path / f"{index}.ogg", length, index, subtype=subtype) for index, length in enumerate(seconds)]
    chain = tmp_path / "chain.ogg"
    chain.write_bytes(b"".join(link.read_bytes() for link in links))
    expected = np.concatenate([read_audio(link)[0] for link in links], axis=1)
    np.testing.assert_array_equal(read_audio(chain)[0], expected)
    assert audio_info(chain).num_samples == expected.shape[1] and not caplog.text


def test_a_chain_of_different_rates_is_refused(tmp_path):
    one, two = write(tmp_path / "1.ogg"), write(tmp_path / "2.ogg", rate=8000)
    one.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(AudioError, match=r"1\.ogg: joins recordings of 8000 Hz with 1 channels and 16000 Hz with 1"):
        read_audio(one)


def test_known_cases(shared):
    folder = shared / "cases" / "recordings"
    for name, expected in {"vorbis_chained.ogg": 64000, "vorbis_no_eos.ogg": 32000, "opus_no_eos.ogg": 32000}.items():
        assert read_audio(folder / name)[0].shape == (1, expected)
