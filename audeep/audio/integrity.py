# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for recordings that cannot be used: cut off, empty, or of a kind that is not read."""

from pathlib import Path

from audeep.errors import AudioError

HIGHEST_RATE = 10**7  # Hz; the memory that a fixed length takes grows with the rate

# first bytes (from the position given) of what recordings are mistaken for, or come in, and cannot be decoded
_STRANGERS = (
    (4, b"ftyp", "an MPEG-4 file (M4A, MP4)"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file (WMA)"),
    (0, b"MAC ", "a Monkey's Audio file (APE)"),
    (0, b"wvpk", "a WavPack file"),
    (0, b"TTA1", "a True Audio file"),
    (0, b"DSD ", "a DSD file"),
    (0, b"FRM8", "a DSD file"),
    (0, b"#!AMR", "an AMR file"),
    (0, b".RMF", "a RealMedia file"),
    (0, b"FLV\x01", "a Flash video"),
    (0, b"MThd", "a MIDI file, which holds notes and no sound"),
    (0, b"\xff\xf1", "an AAC stream"),
    (0, b"\xff\xf9", "an AAC stream"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
    (0, b"<!DOCTYPE", "a web page"),
    (0, b"<html", "a web page"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
)


def stranger(head: bytes) -> str | None:
    """What the first bytes of a file are, in words, if nothing that can be decoded."""
    return next((words for at, mark, words in _STRANGERS if head[at : at + len(mark)] == mark), None)


def cut_off(path: Path, found: str) -> AudioError:
    """The error for a recording that was cut off."""
    return AudioError(f"{path}: {found}, a whole recording was expected; replace the file or remove it")


def no_samples(path: Path | str) -> AudioError:
    """The error for a recording without samples."""
    return AudioError(f"{path}: holds no samples, a recording was expected; replace the file or remove it")


def undecodable(path: Path | str, reason: str) -> AudioError:
    """The error for a file that no decoder knows, or that it finds damaged."""
    return AudioError(
        f"{path}: cannot be decoded ({reason.rstrip('.')}), a whole recording in a format of libsndfile (WAV, FLAC, "
        "OGG, MP3, ...) was expected; replace the file or remove it from the data set"
    )


def check_rate(path: Path | str, sample_rate: int) -> None:
    """Check that a sample rate is one at all.

    Raises:
        AudioError: it is absurd.
    """
    if not 1 <= sample_rate <= HIGHEST_RATE:
        raise AudioError(
            f"{path}: states a sample rate of {sample_rate} Hz, at most {HIGHEST_RATE} were expected; "
            "replace the file or remove it"
        )
