"""What libsndfile does not read (m4a, aac, webm, wma, …), by PyAV: the extra ``codecs``.

Only the containers and codecs named here are opened: FFmpeg also knows playlists, which name
files and addresses of their own, and decoders that nobody sends speech in.
"""

import io
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame

from audio_svc.audio.decoding import Samples, too_long
from audio_svc.audio.signatures import kind_of
from fleetserve.errors import InvalidFieldError, UnsupportedMediaError

CONTAINERS = (
    *("aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "eac3", "flac", "flv"),
    *("loas", "matroska", "mov", "mp3", "mpeg", "mpegts", "ogg", "tta", "w64", "wav", "wv"),
)
CODECS = frozenset(
    {
        *("aac", "aac_latm", "ac3", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf"),
        *("alac", "amrnb", "amrwb", "ape", "eac3", "flac", "gsm", "gsm_ms"),
        *("libopencore_amrnb", "libopencore_amrwb", "libopus", "mp1", "mp1float", "mp2"),
        *("mp2float", "mp3", "mp3float", "nellymoser", "opus", "speex", "tta", "vorbis"),
        *("wavpack", "wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice"),
        *(name for name in av.codecs_available if name.startswith("pcm_")),
    }
)
# These tell in a header how long they are; of the others FFmpeg guesses from the bit rate.
TELL_LENGTH = frozenset({"aiff", "asf", "au", "caf", "flv", "matroska", "mov", "tta", "w64"})
OPTIONS = {"format_whitelist": ",".join(CONTAINERS), "codec_whitelist": ",".join(sorted(CODECS))}

MAX_RATE_HZ = 48000  # Bounds the memory of a second of sound, whatever its header says.
SLACK_S = 0.5  # The last picture of a film has no duration, an encoder pads the last frame.


def decode_media(data: bytes, *, field: str, max_seconds: float) -> tuple[Samples, int] | None:
    """The first sound track, mixed to mono: float32 [n] and its rate in Hz; None: no such file.

    Raises:
        UnsupportedMediaError: it has no sound track, or one in a codec that is not read.
        PayloadTooLargeError: it lasts longer than max_seconds.
        InvalidFieldError: it is damaged or cut off.
    """
    try:
        container = av.open(io.BytesIO(data), options=OPTIONS)
    except (av.FFmpegError, ValueError):
        kind = kind_of(data)
        if not kind:
            return None
        raise _cut_off(
            field, f"it begins as {kind}, and what is needed to play it is missing"
        ) from None
    with container:
        if not container.streams.audio:
            raise UnsupportedMediaError(f"{field}: there is no sound track in this file.")
        try:
            return _read(container, field, max_seconds)
        except (av.FFmpegError, ValueError):
            raise _cut_off(field, "it can not be decoded to its end") from None


def _cut_off(field: str, how: str) -> InvalidFieldError:
    return InvalidFieldError(
        field, f"the file is damaged or cut off: {how}", code="audio_truncated"
    )


def _read(container: Any, field: str, max_seconds: float) -> tuple[Samples, int]:
    stream = container.streams.audio[0]
    codec = stream.codec_context.name
    if codec not in CODECS:
        raise UnsupportedMediaError(f"{field}: sound by the codec {codec} is not read here.")
    names = set(container.format.name.split(","))
    told = names & TELL_LENGTH and container.duration
    promised_s = container.duration / av.time_base if told else 0.0
    if promised_s > max_seconds:
        raise too_long(promised_s, max_seconds)
    track = _Track(max_seconds)
    end_s = 0.0
    # All tracks are read, since a film's sound may be shorter than what its header tells.
    for packet in container.demux():
        if packet.pts is not None and packet.time_base is not None:
            end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream is stream:
            for frame in packet.decode():
                track.add(frame)
    if end_s + SLACK_S < promised_s:
        raise _cut_off(field, f"{end_s:.2f} s are there, its header promises {promised_s:.2f} s")
    return track.finish(field)


class _Track:
    """Collects decoded frames at one rate, in mono."""

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._blocks: list[Samples] = []
        self._count = 0
        self._rate_hz = 0
        self._kind: tuple[Any, ...] = ()
        self._resampler: av.AudioResampler | None = None

    def add(self, frame: AudioFrame) -> None:
        """Raises: PayloadTooLargeError: it is longer than the bound by now."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            # Some streams begin in mono and go on in stereo, or double their rate.
            self._flush()
            self._rate_hz = self._rate_hz or min(frame.sample_rate, MAX_RATE_HZ)
            self._resampler = av.AudioResampler(format="fltp", rate=self._rate_hz)
            self._kind = kind
        assert self._resampler is not None
        self._keep(self._resampler.resample(frame))

    def finish(self, field: str) -> tuple[Samples, int]:
        """Raises: InvalidFieldError: there is no usable sound in it."""
        self._flush()
        if not self._count:
            raise InvalidFieldError(field, "the file has no sound in it, not one sample")
        samples = np.concatenate(self._blocks)
        if not np.isfinite(samples).all():
            raise InvalidFieldError(field, "some samples are not finite numbers")
        return samples, self._rate_hz

    def _flush(self) -> None:
        if self._resampler is not None:
            self._keep(self._resampler.resample(None))

    def _keep(self, frames: Iterator[AudioFrame] | list[AudioFrame]) -> None:
        for frame in frames:
            block: Samples = frame.to_ndarray().mean(axis=0, dtype=np.float32)
            self._blocks.append(block)
            self._count += len(block)
        if self._count > self._max_seconds * self._rate_hz:
            raise too_long(self._count / self._rate_hz, self._max_seconds)
