"""How long an MP3 is, where its header does not tell.

libsndfile guesses the length of an MP3 without a Xing tag from the bit rate of its first frame
and reads no further than its guess: of a recording with a varying rate it may read a tenth,
without an error. So the frames are counted here, and a tag that tells their number is put
before them.

Source: ISO 11172-3 and 13818-3 (frame headers); the Xing tag as LAME writes it.
"""

import struct
from dataclasses import dataclass

from audio_svc.audio.sound_files import Content

TAG_REACH = 256  # A tag stands within the first frame.
ID3_HEADER_BYTES = 10
MPEG1 = 3
LAYER_III = 1
MONO = 3
KBITS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
SIDE_BYTES = {(True, True): 17, (True, False): 32, (False, True): 9, (False, False): 17}
TAG_KBIT_INDEX = {True: 9, False: 12}  # 128 kbit/s: room for the tag at every rate.


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """The four bytes before each frame."""

    version: int
    kbit_index: int
    rate_index: int
    padding: int
    mode: int

    @property
    def is_mpeg1(self) -> bool:
        return self.version == MPEG1

    @property
    def size(self) -> int:
        """Bytes of the frame, with this header."""
        bits = KBITS[self.is_mpeg1][self.kbit_index] * 1000
        rate_hz = RATES_HZ[self.version][self.rate_index]
        return (144 if self.is_mpeg1 else 72) * bits // rate_hz + self.padding


def length_tag(data: Content) -> tuple[bytes, int]:
    """A frame that tells the length of the frames, and where those begin.

    Empty where there is such a tag already, or where the frames make no sense.
    """
    start = _first_frame(data)
    first = data[start : start + TAG_REACH]
    header = _read_header(data, start)
    if b"Xing" in first or b"Info" in first or header is None:
        return b"", 0
    count, place = 0, start
    while (found := _read_header(data, place)) is not None:
        count += 1
        place += found.size
    return _tag_frame(header, count), start


def first_frame_bytes(data: bytes) -> int:
    """The size of the frame that the data begins with; 0: there is none."""
    header = _read_header(data, 0)
    return 0 if header is None else header.size


def _first_frame(data: Content) -> int:
    """Where the ID3 tag, if there is one, ends."""
    if data[:3] != b"ID3" or len(data) < ID3_HEADER_BYTES:
        return 0
    size = 0
    for byte in data[6:ID3_HEADER_BYTES]:
        size = size << 7 | byte & 0x7F
    return ID3_HEADER_BYTES + size


def _read_header(data: Content, place: int) -> FrameHeader | None:
    """The header at that place; None: there is no frame of layer III."""
    if place + 4 > len(data):
        return None
    word: int = struct.unpack_from(">I", data, place)[0]
    version, layer = word >> 19 & 3, word >> 17 & 3
    kbit_index, rate_index = word >> 12 & 15, word >> 10 & 3
    in_step = word >> 21 == 0x7FF and layer == LAYER_III and version in RATES_HZ
    if not in_step or kbit_index in (0, 15) or rate_index == 3:
        return None
    return FrameHeader(version, kbit_index, rate_index, word >> 9 & 1, word >> 6 & 3)


def _tag_frame(like: FrameHeader, count: int) -> bytes:
    """A silent frame of the same kind that carries the number of the frames after it."""
    kbit_index = TAG_KBIT_INDEX[like.is_mpeg1]
    size = FrameHeader(like.version, kbit_index, like.rate_index, 0, like.mode).size
    word = 0x7FF << 21 | like.version << 19 | LAYER_III << 17 | 1 << 16
    word |= kbit_index << 12 | like.rate_index << 10 | like.mode << 6
    side = SIDE_BYTES[like.is_mpeg1, like.mode == MONO]
    frame = struct.pack(">I", word) + bytes(side) + b"Xing" + struct.pack(">II", 1, count)
    return frame.ljust(size, b"\0")
