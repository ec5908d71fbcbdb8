"""Finds out whether a sound file is all there, by what its header promises.

A truncated WAV or OGG decodes without a complaint to whatever is left of it; a transcript of
half a recording that does not say so is worse than an error.
"""

import struct

WAV_HEADER_BYTES = 12
OGG_PAGE_HEADER_BYTES = 27
OGG_END_OF_STREAM = 4

# Writers to a pipe can't know the size: ffmpeg writes all ones, espeak-ng almost 2 GiB, others 0.
UNKNOWN_SIZE_FROM = 0x7FFFF000


def missing_bytes(data: bytes) -> int:
    """How many bytes a WAV or OGG file lacks; 0: it is whole, or its header tells nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return _missing_in_wav(data)
    if data[:4] == b"OggS":
        return _missing_in_ogg(data)
    return 0


def _missing_in_wav(data: bytes) -> int:
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


def _missing_in_ogg(data: bytes) -> int:
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
