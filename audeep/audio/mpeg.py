# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames of MPEG audio (ISO 11172-3, 13818-3): MP3 files mostly state no length, and decoders estimate it.

A stream is walked from header to header. Tags and damaged bytes between frames are passed over. What programs write
before the frames, a frame called Xing or Info that is silent and may state how many follow, starts a part of its own
wherever it stands: several recordings joined to one file have several.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from audeep.audio.parts import Contents, Part, Segment

LONGEST_JUNK = 2**16  # bytes before the first frame, as libmpg123 allows
FEWEST_FRAMES = 3  # fewer of another kind are damage that looks like frames
PEEK = 48  # bytes of a frame: up to the number of frames in a Xing header
_SEARCH = 2**16

# kbit/s by [version 1 or later][layer 1 to 3]
_RATES_V1 = (
    (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
_RATES_V2 = (
    (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_SAMPLE_RATES = (44100, 48000, 32000)


@dataclass(frozen=True)
class Frame:
    """What the header of a frame says."""

    size: int  # bytes
    num_samples: int
    kind: tuple[int, int, int, bool]  # version, layer, sample rate, whether mono: the same in all frames of a stream
    is_protected: bool

    @property
    def xing_at(self) -> int:
        """Where the mark of a Xing header is."""
        version, _, _, is_mono = self.kind
        side = (17 if is_mono else 32) if version == 1 else (9 if is_mono else 17)
        return 4 + side


@dataclass
class Stream:
    """Frames of one kind in a file."""

    first: Frame
    has_header: bool = False  # a Xing header, not counted as a frame
    stated: int | None = None  # frames, by that header
    num_frames: int = 0
    ranges: list[range] = field(default_factory=list)
    is_cut: bool = False  # the last frame is

    def add(self, start: int, size: int) -> None:
        if self.ranges and self.ranges[-1].stop == start:
            self.ranges[-1] = range(self.ranges[-1].start, start + size)
        else:
            self.ranges.append(range(start, start + size))


def parsed(head: bytes) -> Frame | None:
    """The frame that starts with these bytes; None if none does, or it does not state its size."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version = {3: 1, 2: 2, 0: 3}.get(head[1] >> 3 & 3)
    layer, bit_rate, rate = 4 - (head[1] >> 1 & 3), head[2] >> 4, head[2] >> 2 & 3
    if version is None or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return None
    kbits = (_RATES_V1 if version == 1 else _RATES_V2)[layer - 1][bit_rate - 1]
    sample_rate = _SAMPLE_RATES[rate] >> (version - 1)
    num_samples = 384 if layer == 1 else 576 if layer == 3 and version > 1 else 1152
    padding, slot = head[2] >> 1 & 1, 4 if layer == 1 else 1
    size = (num_samples // 8 // slot * kbits * 1000 // sample_rate + padding) * slot
    return Frame(size, num_samples, (version, layer, sample_rate, head[3] >> 6 == 3), not head[1] & 1)


def tag_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag that starts with these; 0 if none does."""
    if len(head) < 10 or head[:3] != b"ID3" or any(byte & 0x80 for byte in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def after_tags(file: BinaryIO, start: int = 0) -> int:
    """Where what follows the ID3v2 tags at `start` starts."""
    while size := tag_size(_at(file, start, 10)):
        start += size
    return start


def streams(file: BinaryIO, start: int, stop: int) -> list[Stream]:
    """The streams between two positions of a file, in order; none if the first frame is too far from `start`."""
    found: list[Stream] = []
    for position, frame, head in _frames(file, start, stop):
        header = head[frame.xing_at : frame.xing_at + 12]
        is_header = frame.kind[1] == 3 and header[:4] in (b"Xing", b"Info")
        if is_header or not found or found[-1].first.kind != frame.kind:
            found.append(Stream(frame, is_header))
            if is_header and header[7] & 1:
                found[-1].stated = int.from_bytes(header[8:12], "big")
        if position + frame.size > stop:
            found[-1].is_cut = True
        else:
            found[-1].num_frames += not is_header
        found[-1].add(position, min(frame.size, stop - position))
    if not found:
        return []
    usual = max(found, key=lambda stream: stream.num_frames).first.kind
    return [stream for stream in found if stream.num_frames >= (1 if stream.first.kind == usual else FEWEST_FRAMES)]


def is_free_format(head: bytes) -> bool:
    """Whether a frame starts with these bytes that does not state its bit rate, and so not its size."""
    return len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6 != 0 and head[2] >> 4 == 0


def contents(path: Path, file: BinaryIO, start: int, stop: int, is_file: bool) -> Contents | None:
    """What MPEG audio between two positions of a file, which are those of the whole file or not, holds.

    None where no frame is found.
    """
    found = streams(file, after_tags(file, start), stop)
    if not found:
        return None
    result = Contents(is_mpeg=True)
    if len(found) == 1 and is_file and found[0].stated is not None and found[0].stated >= found[0].num_frames:
        return result  # its own header tells its decoder all
    for stream in found:
        result.parts.append(_part(file, stream))
        if stream.stated and stream.stated < stream.num_frames:  # programs that write into a pipe state 0
            result.warnings.append(
                f"{path}: holds {stream.num_frames} frames where its header states {stream.stated}, all are read"
            )
        if stream.is_cut and (not stream.stated or stream.stated > stream.num_frames):
            result.warnings.append(f"{path}: ends within a frame, it may be cut off")
    return result


def _part(file: BinaryIO, stream: Stream) -> Part:
    """A stream, without its header unless that tells its length."""
    segments: list[Segment] = list(stream.ranges)
    if stream.stated is not None and stream.stated >= stream.num_frames:
        return Part(tuple(segments))
    if stream.has_header:
        segments[0] = segments[0][stream.first.size :]
    first = next(segment for segment in segments if len(segment))
    frame = parsed(_at(file, first.start, 4)) if isinstance(first, range) else None
    largest = (frame or stream.first).size + 1  # a decoder estimates by its first frame
    return Part(
        tuple(segments),
        num_samples=stream.num_frames * stream.first.num_samples,
        claimed_size=(stream.num_frames + 3) * largest + sum(map(len, segments)),
    )


def _frames(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, Frame, bytes]]:
    """Positions, headers and first bytes of frames; the last may be cut off."""
    position, kind = _next(file, start, min(stop, start + LONGEST_JUNK), stop), None
    while position is not None and position < stop:
        head = _at(file, position, PEEK)
        frame = parsed(head)
        if frame is None or (frame.kind != kind and kind is not None):
            position, kind = _next(file, position + tag_size(head), stop, stop), None
            continue
        yield position, frame, head
        position, kind = position + frame.size, frame.kind


def _next(file: BinaryIO, start: int, limit: int, stop: int) -> int | None:
    """Where the next frame starts that another one follows, or the end; None if none does before `limit`."""
    while start < limit:
        block = _at(file, start, min(_SEARCH, limit - start) + 3)
        at = block.find(b"\xff")
        while 0 <= at < limit - start:
            frame = parsed(block[at : at + 4])
            if frame is not None:
                after = start + at + frame.size
                following = parsed(_at(file, after, 4))
                if after == stop or (following is not None and following.kind == frame.kind):
                    return start + at
            at = block.find(b"\xff", at + 1)
        start += max(1, len(block) - 3)
    return None


def _at(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(size)
