"""Samples to sound files."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

from audio_svc.audio.resampling import change_rate
from audio_svc.audio.signatures import codecs_installed
from audio_svc.audio.volume import limit

BLOCK_FRAMES = 1 << 16  # Vorbis in libsndfile overflows its stack on one write of minutes.
ANY_RATE = tuple(range(8000, 48001))
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
SAFE_PEAK = 0.35  # Of loud noise MP3 makes 2.7 times the peak, of speech at most 1.4 times.
SAFETY = 0.98
MAX_REPEATS = 4
ADTS = "ADTS"  # Not libsndfile's: PyAV writes it.


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """An output format: libsndfile's names for it, its media type, the rates it can have.

    Attributes:
        lossy: What is decoded may pass the samples' peaks.
    """

    name: str
    container: str
    subtype: str
    media_type: str
    rates_hz: tuple[int, ...] = ANY_RATE

    @property
    def lossy(self) -> bool:
        return self.subtype != "PCM_16"


_ALL = {
    made.name: made
    for made in (
        AudioFormat("wav", "WAV", "PCM_16", "audio/wav"),
        AudioFormat("flac", "FLAC", "PCM_16", "audio/flac"),
        AudioFormat("mp3", "MP3", "MPEG_LAYER_III", "audio/mpeg", MP3_RATES),
        AudioFormat("ogg", "OGG", "VORBIS", "audio/ogg"),
        AudioFormat("opus", "OGG", "OPUS", "audio/ogg; codecs=opus", OPUS_RATES),
        AudioFormat("aac", ADTS, "AAC", "audio/aac", MP3_RATES),
        AudioFormat("pcm", "RAW", "PCM_16", "audio/pcm"),
    )
}
# What can be written with what is installed.
FORMATS = {name: one for name, one in _ALL.items() if one.container != ADTS or codecs_installed()}


def encode(samples: NDArray[np.float32], rate_hz: int, wanted: AudioFormat) -> bytes:
    """A whole file of 16-bit samples or of the codec's own; pcm is little-endian, headless.

    What a decoder makes of it stays in [-1, 1] too, whatever the codec adds to the peaks.

    samples: float32 [n], mono, in [-1, 1]. rate_hz: one of wanted.rates_hz.
    """
    data = _write(samples, rate_hz, wanted)
    peak = float(np.abs(samples).max(initial=0.0))
    if not wanted.lossy or peak < SAFE_PEAK:
        return data
    for _ in range(MAX_REPEATS):
        decoded = _decoded_peak(data, wanted)
        if decoded <= 1.0:
            break
        peak *= SAFETY / decoded
        data = _write(limit(samples, peak), rate_hz, wanted)
    return data


def _decoded_peak(data: bytes, wanted: AudioFormat) -> float:
    if wanted.container == ADTS:
        from audio_svc.audio.aac import decoded_peak

        return decoded_peak(data)
    samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    if wanted.subtype == "OPUS":
        # Players decode Opus at its own rate, where there are peaks between these samples.
        samples = change_rate(samples, rate_hz, OPUS_RATES[-1])
    return float(np.abs(samples).max(initial=0.0))


def _write(samples: NDArray[np.float32], rate_hz: int, wanted: AudioFormat) -> bytes:
    if wanted.container == ADTS:
        # FFmpeg's libraries are loaded when the first such file is made.
        from audio_svc.audio.aac import encode_aac

        return encode_aac(samples, rate_hz)
    pcm = to_int16(samples) if wanted.subtype == "PCM_16" else samples
    buffer = io.BytesIO()
    endian = "LITTLE" if wanted.container == "RAW" else "FILE"
    with soundfile.SoundFile(
        buffer,
        "w",
        samplerate=rate_hz,
        channels=1,
        format=wanted.container,
        subtype=wanted.subtype,
        endian=endian,
    ) as file:
        for start in range(0, len(pcm), BLOCK_FRAMES):
            file.write(pcm[start : start + BLOCK_FRAMES])
    return buffer.getvalue()


def to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """What soundfile writes into a WAV; into a FLAC it would round otherwise."""
    scaled = np.clip(np.floor(samples * np.float32(32768)), -32768, 32767)
    made: NDArray[np.int16] = scaled.astype(np.int16)
    return made
