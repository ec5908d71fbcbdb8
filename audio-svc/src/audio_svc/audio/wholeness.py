"""Finds out whether a sound file is all there, by what its header promises.

A truncated WAV or OGG decodes without a complaint to whatever is left of it; a transcript of
half a recording that does not say so is worse than an error.
"""

import struct

from audio_svc.audio.signatures import EBML
from audio_svc.audio.sound_files import Content

WAV_HEADER_BYTES = 12
BOX_TO_THE_END, BOX_IS_LARGE = 0, 1  # What an MP4 box's 32-bit size may say instead.
SEGMENT = b"\x18\x53\x80\x67"
OGG_PAGE_HEADER_BYTES = 27
OGG_END_OF_STREAM = 4

# Writers to a pipe can't know the size: ffmpeg writes all ones, espeak-ng almost 2 GiB, others 0.
UNKNOWN_SIZE_FROM = 0x7FFFF000


def missing_bytes(data: Content) -> int:
    """How many bytes a file lacks; 0: none, or its header tells nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _missing_in_wav(data)
    if data[:4] == b"OggS":
        return _missing_in_ogg(data)
    if data[4:8] == b"ftyp":
        return _missing_in_mp4(data)
    if data[:4] == EBML:
        return _missing_in_matroska(data)
    if data[:4] == b"FORM" and len(data) >= 8:
        size: int = struct.unpack_from(">I", data, 4)[0]
        return max(0, 8 + size - len(data))
    if data[:4] == b"caff":
        return _missing_in_caf(data)
    return 0


def _missing_in_wav(data: Content) -> int:
    """Walks the chunks to the one with the samples."""
    place = WAV_HEADER_BYTES
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        place += 8
        if name == b"data":
            known = 0 < size < UNKNOWN_SIZE_FROM
            return max(0, place + size - len(data)) if known else 0
        place += size + size % 2
    return 0


def _missing_in_ogg(data: Content) -> int:
    """Looks at the last page: it has to be complete and to say that it is the last."""
    place = data.rfind(b"OggS")
    header_end = place + OGG_PAGE_HEADER_BYTES
    if header_end > len(data):
        return header_end - len(data)
    segments = data[header_end - 1]
    table_end = header_end + segments
    page_end = table_end + sum(data[header_end:table_end])
    if page_end > len(data) or table_end > len(data):
        return max(page_end, table_end) - len(data)
    return 0 if data[place + 5] & OGG_END_OF_STREAM else 1


def _missing_in_mp4(data: Content) -> int:
    """Walks the boxes of the top level, each of which tells its size."""
    place = 0
    while place + 8 <= len(data):
        size: int = struct.unpack_from(">I", data, place)[0]
        if size == BOX_IS_LARGE and place + 16 <= len(data):
            size = struct.unpack_from(">Q", data, place + 8)[0]
        if size == BOX_TO_THE_END or size < 8:
            return 0
        place += size
    return max(0, place - len(data))


def _missing_in_caf(data: Content) -> int:
    """Chunks of a name and a 64-bit size; that of the samples may be left open by -1."""
    place = 8
    while place + 12 <= len(data):
        size: int = struct.unpack_from(">q", data, place + 4)[0]
        if size < 0:
            return 0
        place += 12 + size
    return max(0, place - len(data))


def _missing_in_matroska(data: Content) -> int:
    """The segment holds all that is played; live recordings leave its size open."""
    header = _ebml_size(data, len(EBML))
    if header is None:
        return 0
    size, place = header
    segment = place + size
    if data[segment : segment + len(SEGMENT)] != SEGMENT:
        return 0
    content = _ebml_size(data, segment + len(SEGMENT))
    return 0 if content is None else max(0, sum(content) - len(data))


def _ebml_size(data: Content, place: int) -> tuple[int, int] | None:
    """A size of one to eight bytes, and where it ends; None: unknown, or not there."""
    if place >= len(data) or not data[place]:
        return None
    width = 9 - data[place].bit_length()
    bits = 7 * width
    size = int.from_bytes(data[place : place + width]) & ((1 << bits) - 1)
    return None if size == (1 << bits) - 1 else (size, place + width)
