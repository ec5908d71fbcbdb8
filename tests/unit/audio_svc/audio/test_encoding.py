import io

import av
import numpy as np
import pytest
import soundfile

from audio_svc.audio.decoding import decode, resample
from audio_svc.audio.encoding import BLOCK_FRAMES, FORMATS, encode
from audio_svc.audio.volume import CEILING, Samples, change_volume, limit
from tests.checkpoints.recordings import SENTENCES, record
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


def decode_by_ffmpeg(data: bytes, name: str, rate_hz: int) -> Samples:
    """Another decoder than the one that the code itself asks, but for AAC."""
    options = {"sample_rate": str(rate_hz), "ch_layout": "mono"} if name == "pcm" else {}
    form = "s16le" if name == "pcm" else None
    with av.open(io.BytesIO(data), "r", format=form, options=options) as container:
        resampler = av.AudioResampler(format="fltp")
        frames = [made for frame in container.decode(audio=0) for made in resampler.resample(frame)]
    blocks: Samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return blocks


@pytest.mark.parametrize("name", FORMATS)
def test_independent_decoder_hears_the_speech(name: str) -> None:
    recording = decode(record(SENTENCES[0]), field="file", max_seconds=60)
    sound = resample(recording.samples, recording.rate_hz, 24000)
    made = decode_by_ffmpeg(encode(sound, 24000, FORMATS[name]), name, 24000)
    made = resample(made, 48000, 24000) if name == "opus" else made
    assert abs(len(made) / len(sound) - 1) < 0.05
    if name == "aac":
        made = made[1024:]  # The encoder's first frame, which ADTS has no word for.
    # Spectra over 100 ms don't mind a delay of a few milliseconds.
    size = min(len(made), len(sound)) // 2400 * 2400
    spectra = [np.abs(np.fft.rfft(x[:size].reshape(-1, 2400), axis=1)) for x in (made, sound)]
    bands = [one[:, :800].reshape(len(one), 40, 20).sum(axis=2).ravel() for one in spectra]
    assert np.corrcoef(*bands)[0, 1] > 0.9


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", ["speech", "noise", "square"])
def test_nothing_that_a_decoder_makes_of_it_passes_full_scale(name: str, kind: str) -> None:
    rng = np.random.default_rng(0)
    speech = decode(record(SENTENCES[0]), field="file", max_seconds=60)
    sounds = {
        "speech": resample(speech.samples, speech.rate_hz, 24000),
        "noise": np.clip(rng.standard_normal(24000), -1, 1).astype(np.float32),
        "square": np.sign(tone(1.0, 24000)),
    }
    loud = change_volume(limit(sounds[kind] / np.abs(sounds[kind]).max()), 2.0)
    assert np.abs(loud).max() > 0.99 * CEILING
    made = decode_by_ffmpeg(encode(loud, 24000, FORMATS[name]), name, 24000)
    assert np.abs(made).max() <= 1.0
    assert np.abs(made).max() > 0.6
