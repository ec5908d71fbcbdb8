"""Sound files to samples: any rate, any channels, bounded in time."""

import io
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from audio_svc.audio import mp3_length
from audio_svc.audio.signatures import MEDIA_FORMATS, codecs_installed, kind_of
from audio_svc.audio.wholeness import missing_bytes
from fleetserve.errors import InvalidFieldError, PayloadTooLargeError, UnsupportedMediaError

Samples = NDArray[np.float32]

# libsndfile's names of the containers, and what the answer calls them.
CONTAINERS = {
    "WAV": "wav",
    "WAVEX": "wav",
    "FLAC": "flac",
    "MP3": "mp3",
    "MPEG": "mp3",
    "OGG": "ogg",
}
INPUT_FORMATS = ("wav", "mp3", "flac", "ogg", "opus")
BLOCK_FRAMES = 1 << 16
UNKNOWN_FRAMES = 1 << 40  # libsndfile's word for an endless stream is the largest number.

# An MP3's header counts whole frames of 1152 samples, and the encoder's padding.
MP3_SLACK_FRAMES = 3 * 1152


@dataclass(frozen=True, slots=True)
class Recording:
    """A decoded file.

    Attributes:
        samples: float32 [n], mono, in about [-1, 1], at rate_hz.
    """

    samples: Samples
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.rate_hz


def decode(data: bytes, *, field: str, max_seconds: float, codecs: bool = True) -> Recording:
    """The recording in a file, its channels mixed down to one.

    Args:
        data: The file.
        field: The request's field, for the errors.
        max_seconds: Longest recording that is taken.
        codecs: What libsndfile does not read is given to PyAV, where that is installed.

    Raises:
        UnsupportedMediaError: this is no audio file that can be read here.
        PayloadTooLargeError: it lasts longer than max_seconds.
        InvalidFieldError: it is empty, damaged or cut off.
    """
    if not data:
        raise InvalidFieldError(field, "the file is empty")
    file = _open(data)
    if file is None:
        return _decode_media(data, field, max_seconds, codecs=codecs)
    with file:
        promised = file.frames if 0 < file.frames < UNKNOWN_FRAMES else 0
        if promised > max_seconds * file.samplerate:
            raise too_long(promised / file.samplerate, max_seconds)
        _check_whole(data, field)
        samples = _read(file, promised, field, max_seconds)
        return Recording(samples, file.samplerate)


def too_long(duration_s: float, max_seconds: float) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The recording lasts {duration_s:.1f} s; at most {max_seconds:g} s are taken. "
        "Send it in parts."
    )


def to_rate(recording: Recording, rate_hz: int) -> Samples:
    """The samples at another rate, by a polyphase filter; untouched where it is the same."""
    return resample(recording.samples, recording.rate_hz, rate_hz)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """float32 [n] → float32 [ceil(n · to / from)]."""
    if from_hz == to_hz:
        return samples
    divisor = gcd(from_hz, to_hz)
    made: Samples = resample_poly(samples, to_hz // divisor, from_hz // divisor)
    return made.astype(np.float32, copy=False)


def input_formats(*, codecs: bool) -> tuple[str, ...]:
    """The names of what can be read here."""
    return INPUT_FORMATS + MEDIA_FORMATS if codecs and codecs_installed() else INPUT_FORMATS


def _decode_media(data: bytes, field: str, max_seconds: float, *, codecs: bool) -> Recording:
    formats = ", ".join(input_formats(codecs=codecs))
    if not (codecs and codecs_installed()):
        kind = kind_of(data)
        if kind:
            raise UnsupportedMediaError(
                f"{field}: {kind} is read by the extra 'codecs' (PyAV), which is left out here "
                f"(CODECS=0). Formats: {formats}.",
                code="codecs_missing",
            )
        raise _no_audio(field, formats)
    _check_whole(data, field)
    # FFmpeg's libraries are loaded when the first such file comes.
    from audio_svc.audio.media import decode_media

    found = decode_media(data, field=field, max_seconds=max_seconds)
    if found is None:
        raise _no_audio(field, formats)
    return Recording(*found)


def _no_audio(field: str, formats: str) -> UnsupportedMediaError:
    return UnsupportedMediaError(
        f"{field}: this is not an audio file that can be read here. Formats: {formats}."
    )


def _open(data: bytes) -> Any:
    """None: libsndfile does not read it, or reads it and nobody promised that."""
    try:
        file = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.LibsndfileError:
        return None
    if file.format not in CONTAINERS:
        file.close()
        return None
    if CONTAINERS[file.format] == "mp3" and not mp3_length.tells_length(data):
        file.close()
        return soundfile.SoundFile(io.BytesIO(mp3_length.with_length(data)))
    return file


def _check_whole(data: bytes, field: str) -> None:
    missing = missing_bytes(data)
    if missing:
        raise _cut_off(field, f"at least {missing} bytes that its header promises are missing")


def _cut_off(field: str, how: str) -> InvalidFieldError:
    return InvalidFieldError(field, f"the file is cut off: {how}", code="audio_truncated")


def _read(file: Any, promised: int, field: str, max_seconds: float) -> Samples:
    """Mixes block by block, so that many channels never stand in memory at once."""
    blocks: list[Samples] = []
    count = 0
    try:
        while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
            blocks.append(block.mean(axis=1))
            count += len(block)
            if count > max_seconds * file.samplerate:
                raise too_long(count / file.samplerate, max_seconds)
    except soundfile.LibsndfileError:
        raise _cut_off(field, "it can not be decoded to its end") from None
    slack = MP3_SLACK_FRAMES if CONTAINERS[file.format] == "mp3" else 0
    if count + slack < promised:
        raise _cut_off(
            field,
            f"{count / file.samplerate:.2f} s are there, "
            f"its header promises {promised / file.samplerate:.2f} s",
        )
    if not count:
        raise InvalidFieldError(field, "the file has no sound in it, not one sample")
    samples = np.concatenate(blocks)
    if not np.isfinite(samples).all():
        raise InvalidFieldError(field, "some samples are not finite numbers")
    return samples
