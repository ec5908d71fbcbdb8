"""What libsndfile does not read (m4a, aac, webm, wma, …), by PyAV: the extra ``codecs``.

Only the containers and codecs named here are opened: FFmpeg also knows playlists, which name
files and addresses of their own, and decoders that nobody sends speech in.
"""

from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame

from audio_svc.audio.recording import BlockCheck, Recording, Samples, too_long
from audio_svc.audio.signatures import kind_of
from audio_svc.audio.sound_files import SoundFile, content_of, open_file
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
BLOCK_FRAMES = 1 << 16
SLACK_S = 0.5  # The last picture of a film has no duration, an encoder pads the last frame.


def open_media(file: SoundFile, field: str) -> Any:
    """A container to read and to close; None: no such file.

    Raises: InvalidFieldError: it begins like one, and is damaged or cut off.
    """
    try:
        return av.open(open_file(file), options=OPTIONS)
    except (av.FFmpegError, ValueError):
        with content_of(file) as content:
            kind = kind_of(content)
        if not kind:
            return None
        raise _cut_off(
            field, f"it begins as {kind}, and what is needed to play it is missing"
        ) from None


def read_media(container: Any, *, field: str, max_seconds: float) -> Iterator[Recording]:
    """The first sound track, mixed to mono, block by block.

    Raises:
        UnsupportedMediaError: it has no sound track, or one in a codec that is not read.
        PayloadTooLargeError: it lasts longer than max_seconds.
        InvalidFieldError: it is damaged or cut off.
    """
    if not container.streams.audio:
        raise UnsupportedMediaError(f"{field}: there is no sound track in this file.")
    stream = container.streams.audio[0]
    codec = stream.codec_context.name
    if codec not in CODECS:
        raise UnsupportedMediaError(f"{field}: sound by the codec {codec} is not read here.")
    names = set(container.format.name.split(","))
    told = names & TELL_LENGTH and container.duration
    promised_s = container.duration / av.time_base if told else 0.0
    if promised_s > max_seconds:
        raise too_long(promised_s, max_seconds)
    check = BlockCheck(field, max_seconds)
    track = _Track()
    try:
        for samples in track.read(container, stream):
            yield check.take(samples, track.rate_hz)
    except (av.FFmpegError, ValueError):
        raise _cut_off(field, "it can not be decoded to its end") from None
    if track.end_s + SLACK_S < promised_s:
        raise _cut_off(
            field, f"{track.end_s:.2f} s are there, its header promises {promised_s:.2f} s"
        )
    check.finish()


def _cut_off(field: str, how: str) -> InvalidFieldError:
    return InvalidFieldError(
        field, f"the file is damaged or cut off: {how}", code="audio_truncated"
    )


class _Track:
    """Decodes frames to one rate, in mono.

    Attributes:
        end_s: How far the packets of all tracks reach by now.
    """

    def __init__(self) -> None:
        self.rate_hz = 0
        self.end_s = 0.0
        self._kept: list[Samples] = []
        self._count = 0
        self._kind: tuple[Any, ...] = ()
        self._resampler: av.AudioResampler | None = None

    def read(self, container: Any, stream: Any) -> Iterator[Samples]:
        """All tracks are read: a film's sound may be shorter than what its header tells."""
        for packet in container.demux():
            if packet.pts is not None and packet.time_base is not None:
                end = packet.pts + (packet.duration or 0)
                self.end_s = max(self.end_s, float(end * packet.time_base))
            if packet.stream is stream:
                for frame in packet.decode():
                    self._add(frame)
            if self._count >= BLOCK_FRAMES:
                yield self._take()
        self._flush()
        if self._count:
            yield self._take()

    def _add(self, frame: AudioFrame) -> None:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            # Some streams begin in mono and go on in stereo, or double their rate.
            self._flush()
            self.rate_hz = self.rate_hz or min(frame.sample_rate, MAX_RATE_HZ)
            self._resampler = av.AudioResampler(format="fltp", rate=self.rate_hz)
            self._kind = kind
        assert self._resampler is not None
        self._keep(self._resampler.resample(frame))

    def _take(self) -> Samples:
        samples = np.concatenate(self._kept)
        self._kept, self._count = [], 0
        return samples

    def _flush(self) -> None:
        if self._resampler is not None:
            self._keep(self._resampler.resample(None))

    def _keep(self, frames: list[AudioFrame]) -> None:
        """Frames are small: collected, they are resampled at a fraction of the cost."""
        for frame in frames:
            block: Samples = frame.to_ndarray().mean(axis=0, dtype=np.float32)
            self._kept.append(block)
            self._count += len(block)
