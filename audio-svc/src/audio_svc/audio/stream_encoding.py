"""Samples to a sound file that is sent while it is made.

What a whole file tells in its head and is known only at its end is told as unknown: the sizes
of a WAV, the length and checksum of a FLAC, the tag with the length of an MP3 (left out).
"""

import io
import struct
from collections.abc import Callable
from typing import Protocol

import numpy as np
import soundfile
from numpy.typing import NDArray

from audio_svc.audio.encoding import BLOCK_FRAMES, AudioFormat, to_int16
from audio_svc.audio.mp3_length import first_frame_bytes
from fleetserve.errors import InvalidFieldError

Samples = NDArray[np.float32]
UNKNOWN_SIZE = 0xFFFFFFFF
SAMPLE_BYTES = 2


class StreamEncoder(Protocol):
    """Any thread, one call at a time. samples: float32 [n], mono, in [-1, 1]."""

    def add(self, samples: Samples) -> bytes:
        """What can be sent of it by now; codecs hold some back."""
        ...

    def finish(self) -> bytes:
        """The rest."""
        ...


def open_encoder(rate_hz: int, wanted: AudioFormat) -> StreamEncoder:
    """Raises: InvalidFieldError: this format is made as a whole only, and which are not."""
    return _maker_of(wanted)(rate_hz, wanted)


def can_stream(wanted: AudioFormat) -> bool:
    return wanted.name in MAKERS


def check_streamed(wanted: AudioFormat) -> None:
    """Raises: as open_encoder."""
    _maker_of(wanted)


def _maker_of(wanted: AudioFormat) -> Callable[[int, AudioFormat], StreamEncoder]:
    maker = MAKERS.get(wanted.name)
    if maker is None:
        raise InvalidFieldError(
            "output_format",
            f"{wanted.name} is made as a whole only; {', '.join(MAKERS)} can be streamed",
        )
    return maker


class PcmEncoder:
    """Little-endian samples of 16 bits, nothing else."""

    def __init__(self, rate_hz: int, wanted: AudioFormat) -> None:
        del wanted
        self._head = self._make_head(rate_hz)

    def _make_head(self, rate_hz: int) -> bytes:
        del rate_hz
        return b""

    def add(self, samples: Samples) -> bytes:
        head, self._head = self._head, b""
        return head + to_int16(samples).astype("<i2", copy=False).tobytes()

    def finish(self) -> bytes:
        return self._head


class WavEncoder(PcmEncoder):
    """The same after a header of unknown size, which players read to the end of the stream."""

    def _make_head(self, rate_hz: int) -> bytes:
        form = struct.pack("<HHIIHH", 1, 1, rate_hz, rate_hz * SAMPLE_BYTES, SAMPLE_BYTES, 16)
        riff = b"RIFF" + struct.pack("<I", UNKNOWN_SIZE) + b"WAVE"
        data = b"data" + struct.pack("<I", UNKNOWN_SIZE)
        return riff + b"fmt " + struct.pack("<I", len(form)) + form + data


class CodecEncoder:
    """Through libsndfile, which rewrites a file's head at its end; that is not sent again."""

    def __init__(self, rate_hz: int, wanted: AudioFormat) -> None:
        self._whole_numbers = wanted.subtype == "PCM_16"
        self._buffer = io.BytesIO()
        self._sent = 0
        self._file = soundfile.SoundFile(
            self._buffer,
            "w",
            samplerate=rate_hz,
            channels=1,
            format=wanted.container,
            subtype=wanted.subtype,
        )

    def add(self, samples: Samples) -> bytes:
        content = to_int16(samples) if self._whole_numbers else samples
        for start in range(0, len(content), BLOCK_FRAMES):
            self._file.write(content[start : start + BLOCK_FRAMES])
        return self._take()

    def finish(self) -> bytes:
        self._file.close()
        return self._take()

    def _take(self) -> bytes:
        with self._buffer.getbuffer() as content:
            made = bytes(content[self._sent :])
        self._sent += len(made)
        return made


class Mp3Encoder(CodecEncoder):
    """Without LAME's first frame: the tag in it is empty until the end, and it would sound."""

    def __init__(self, rate_hz: int, wanted: AudioFormat) -> None:
        super().__init__(rate_hz, wanted)
        self._held = b""
        self._begun = False

    def _take(self) -> bytes:
        made = self._held + super()._take()
        if self._begun:
            return made
        size = first_frame_bytes(made)
        self._begun = 0 < size <= len(made)
        self._held = b"" if self._begun else made
        return made[size:] if self._begun else b""


def _aac_encoder(rate_hz: int, wanted: AudioFormat) -> StreamEncoder:
    del wanted
    from audio_svc.audio.aac import AacEncoder  # Needs the extra codecs, as the format does.

    return AacEncoder(rate_hz)


MAKERS: dict[str, Callable[[int, AudioFormat], StreamEncoder]] = {
    "wav": WavEncoder,
    "flac": CodecEncoder,
    "mp3": Mp3Encoder,
    "ogg": CodecEncoder,
    "opus": CodecEncoder,
    "pcm": PcmEncoder,
    "aac": _aac_encoder,
}
