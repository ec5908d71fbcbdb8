import io

import numpy as np
import pytest
import soundfile

from audio_svc.audio.mp3_length import length_tag
from tests.unit.audio_svc.requests import tone, wav, without_tag

RATES_HZ = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000)
ID3 = b"ID3\x03\0\0" + bytes([0, 0, 0x0F, 0x76]) + bytes(0x0F << 7 | 0x76)


def uneven_mp3(rate_hz: int, channels: int) -> bytes:
    """Four seconds whose bit rate varies a lot."""
    noise = np.random.default_rng(0).standard_normal((4 * rate_hz, channels)) * 0.1
    noise[: 2 * rate_hz] *= 0.001
    return wav(noise.astype(np.float32), rate_hz, format="MP3", subtype="MPEG_LAYER_III")


def with_length(data: bytes) -> bytes:
    head, skip = length_tag(data)
    return head + data[skip:]


def length_of(data: bytes) -> int:
    """Frames that are really read."""
    return len(soundfile.SoundFile(io.BytesIO(data)).read())


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("channels", [1, 2])
def test_tag_makes_every_frame_be_read(rate_hz: int, channels: int) -> None:
    bare = without_tag(uneven_mp3(rate_hz, channels))
    tagged = with_length(bare)
    assert len(tagged) > len(bare)
    assert abs(length_of(tagged) / rate_hz - 4.0) < 0.2


def test_tag_is_found_also_behind_an_id3_tag() -> None:
    data = wav(tone(), format="MP3", subtype="MPEG_LAYER_III")
    assert length_tag(data) == (b"", 0)
    assert length_tag(ID3 + data) == (b"", 0)


def test_length_is_counted_behind_an_id3_tag() -> None:
    bare = without_tag(uneven_mp3(16000, 1))
    assert length_of(with_length(ID3 + bare)) == length_of(with_length(bare))


def test_noise_is_left_as_it_is() -> None:
    noise = np.random.default_rng(0).integers(0, 256, 1000, dtype=np.uint8).tobytes()
    assert with_length(noise) == noise


@pytest.mark.parametrize("data", [b"", b"ID3", b"\xff\xfb", ID3])
def test_scraps_do_not_raise(data: bytes) -> None:
    assert with_length(data) == data
