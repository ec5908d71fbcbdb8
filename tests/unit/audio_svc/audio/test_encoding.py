import io

import numpy as np
import pytest
import soundfile

from audio_svc.audio.encoding import BLOCK_FRAMES, FORMATS, encode
from tests.unit.audio_svc.requests import tone


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("pcm", "aac")])
def test_file_is_whole_and_says_what_it_is(name: str) -> None:
    data = encode(tone(1.0, 24000), 24000, FORMATS[name])
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert file.samplerate in (24000, 48000)
        assert file.channels == 1
        assert abs(file.frames / file.samplerate - 1.0) < 0.1
        assert file.subtype == FORMATS[name].subtype


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_lossless_formats_hold_what_soundfile_itself_writes(name: str) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, 5000).astype(np.float32)
    expected = io.BytesIO()
    soundfile.write(expected, samples, 16000, format="WAV", subtype="PCM_16")
    made, _rate = soundfile.read(io.BytesIO(encode(samples, 16000, FORMATS[name])), dtype="int16")
    wanted, _rate = soundfile.read(io.BytesIO(expected.getvalue()), dtype="int16")
    assert np.array_equal(made, wanted)


def test_pcm_is_the_wav_without_its_header() -> None:
    samples = tone()
    assert encode(samples, 16000, FORMATS["wav"]).endswith(encode(samples, 16000, FORMATS["pcm"]))
    assert len(encode(samples, 16000, FORMATS["pcm"])) == 2 * len(samples)


def test_minutes_of_vorbis_are_written_block_by_block() -> None:
    samples = tone(seconds=3 * BLOCK_FRAMES / 16000 + 0.5)
    data = encode(samples, 16000, FORMATS["ogg"])
    assert soundfile.info(io.BytesIO(data)).frames == len(samples)


@pytest.mark.parametrize("name", FORMATS)
def test_every_rate_of_a_format_can_be_written(name: str) -> None:
    rates_hz = FORMATS[name].rates_hz
    some = rates_hz if len(rates_hz) < 20 else (rates_hz[0], 11025, 44100, rates_hz[-1])
    for rate_hz in some:
        assert encode(tone(0.2, rate_hz), rate_hz, FORMATS[name])
