# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a recording is whole, as far as its headers tell; libsndfile reads what is left of one that was cut off."""

import re
from pathlib import Path

import soundfile

from audeep.errors import AudioError

HIGHEST_RATE = 10**7  # Hz; the memory that a fixed length takes grows with the rate

# what libsndfile notes about a file that was cut off: 'data : 264600 (should be 158742)'
_SHORTER = re.compile(
    r"^\s*(?:data|riff|SSND|BODY|Data Size|Data length)\s*:?\s*(\d+) \(?should be (\d+)", re.MULTILINE
)
_SHORT_NOTES = ("Seems to be a truncated file", "does not match value from 'ds64'")
_UNKNOWN_LENGTH = 0x7FFFF000  # programs that write into a pipe state sizes from here on


def check_whole(path: Path, recording: soundfile.SoundFile) -> None:
    """Check what the headers of an open recording say.

    Raises:
        AudioError: it is cut off, holds no samples, states no length, or an absurd sample rate.
    """
    notes = recording.extra_info
    for promised, found in _SHORTER.findall(notes):
        if int(found) < int(promised) < _UNKNOWN_LENGTH:
            raise cut_off(path, f"holds {found} of the {promised} bytes that its header promises")
    if any(note in notes for note in _SHORT_NOTES):
        raise cut_off(path, "holds fewer bytes than its header promises")
    if recording.format == "OGG" and not _last_page_is_whole(path):
        raise cut_off(path, "does not end with an Ogg page that is whole and marked as the last")
    if recording.frames == 0:
        raise no_samples(path)
    if recording.samplerate > HIGHEST_RATE:
        raise AudioError(
            f"{path}: states a sample rate of {recording.samplerate} Hz, at most {HIGHEST_RATE} were expected; "
            "replace the file or remove it"
        )
    if recording.frames >= 2**62:
        raise AudioError(f"{path}: states no length, a number of samples was expected; convert the file to WAV")


def cut_off(path: Path, found: str) -> AudioError:
    """The error for a recording that was cut off."""
    return AudioError(f"{path}: {found}, a whole recording was expected; replace the file or remove it")


def no_samples(path: Path | str) -> AudioError:
    """The error for a recording without samples."""
    return AudioError(f"{path}: holds no samples, a recording was expected; replace the file or remove it")


def _last_page_is_whole(path: Path) -> bool:
    """Find the last Ogg page (RFC 3533, section 6) and look for its end-of-stream mark and its last byte."""
    header_length, largest_page = 27, 65307
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 2 * largest_page))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < header_length or not page[5] & 4:
        return False
    num_segments = page[26]
    return len(page) >= header_length + num_segments + sum(page[header_length : header_length + num_segments])
