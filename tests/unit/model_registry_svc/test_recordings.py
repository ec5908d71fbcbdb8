import io

import numpy as np
import pytest
import soundfile

from fleetserve.errors import InvalidFieldError, UnsupportedMediaError
from model_registry_svc.recordings import to_flac


def record(
    seconds: float = 1.5,
    *,
    rate_hz: int = 8000,
    channels: int = 1,
    kind: str = "WAV",
    loudness: float = 0.3,
) -> bytes:
    """A tone in a sound file."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    tone = loudness * np.sin(2 * np.pi * 200 * times)
    file = io.BytesIO()
    soundfile.write(file, np.stack([tone] * channels, axis=1), rate_hz, format=kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "OGG"])
@pytest.mark.parametrize("channels", [1, 2])
def test_recording_is_kept_at_its_rate_with_one_channel(kind: str, channels: int) -> None:
    kept = to_flac(record(2.0, rate_hz=16000, channels=channels, kind=kind))
    assert kept[:4] == b"fLaC"
    samples, rate_hz = soundfile.read(io.BytesIO(kept))
    assert (rate_hz, samples.ndim) == (16000, 1)
    assert abs(len(samples) - 2 * 16000) < 3000
    assert 0.25 < np.abs(samples).max() < 0.35


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (b"no sound", UnsupportedMediaError, "wav, flac, mp3"),
        (b"", UnsupportedMediaError, "wav, flac, mp3"),
        (record(0.9), InvalidFieldError, "1 to 15 s, not 0.90 s"),
        (record(15.1), InvalidFieldError, "1 to 15 s, not longer"),
        (record(loudness=0.0), InvalidFieldError, "nothing is heard"),
        (record(kind="FLAC")[:4000], InvalidFieldError, "damaged|1 to 15 s"),
    ],
)
def test_what_is_no_voice_is_refused(data: bytes, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        to_flac(data)
