import numpy as np
import pytest

from audio_svc.audio.decoding import at_rate, decode, input_formats, read_blocks, resample
from audio_svc.audio.encoding import FORMATS
from audio_svc.audio.recording import Recording
from audio_svc.audio.stream_encoding import open_encoder
from fleetserve.errors import InvalidFieldError, PayloadTooLargeError, UnsupportedMediaError
from tests.checkpoints.recordings import SENTENCES, record
from tests.unit.audio_svc.media_files import KINDS, write_media
from tests.unit.audio_svc.requests import tone, wav, without_tag

CONTAINERS = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAV", "ULAW"),
    ("WAVEX", "PCM_24"),
    ("FLAC", "PCM_16"),
    ("MP3", "MPEG_LAYER_III"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
]


def read(data: bytes, max_seconds: float = 60.0) -> Recording:
    return decode(data, field="file", max_seconds=max_seconds)


@pytest.mark.parametrize(("container", "subtype"), CONTAINERS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_format_is_read_to_mono(container: str, subtype: str, channels: int) -> None:
    sound = np.stack([tone(1.0, 24000)] * channels, axis=1)
    recording = read(wav(sound, 24000, format=container, subtype=subtype))
    assert recording.rate_hz == 24000
    assert recording.samples.dtype == np.float32
    assert recording.samples.ndim == 1
    assert abs(recording.duration_s - 1.0) < 0.01
    loudness = np.sqrt(np.mean(recording.samples**2)) / np.sqrt(np.mean(tone() ** 2))
    assert 0.8 < loudness < 1.3


@pytest.mark.parametrize(("container", "subtype"), CONTAINERS)
def test_truncated_file_is_refused_and_not_half_transcribed(container: str, subtype: str) -> None:
    data = wav(tone(3.0, 24000), 24000, format=container, subtype=subtype)
    with pytest.raises(InvalidFieldError, match="cut off") as refused:
        read(data[: len(data) // 2])
    assert refused.value.code == "audio_truncated"


def test_mp3_without_a_length_in_its_header_is_read_to_its_end() -> None:
    sound = np.concatenate([tone(3.0, 22050), tone(3.0, 22050) * 0.001])
    data = wav(sound, 22050, format="MP3", subtype="MPEG_LAYER_III")
    recording = read(without_tag(data))
    assert abs(recording.duration_s - 6.0) < 0.1


def test_channels_are_averaged() -> None:
    left = tone()
    stereo = np.stack([left, -left], axis=1)
    assert np.abs(read(wav(stereo)).samples).max() < 1e-3


@pytest.mark.parametrize(
    "data", [b"hello world" * 99, bytes(5000), b"RIFF" + bytes(99), b"\x89PNG\r\n" + bytes(99)]
)
def test_what_is_no_audio_is_an_unsupported_medium(data: bytes) -> None:
    with pytest.raises(UnsupportedMediaError, match="wav, mp3, flac, ogg, opus"):
        read(data)


def test_format_that_libsndfile_reads_but_nobody_promised_is_refused() -> None:
    with pytest.raises(UnsupportedMediaError):
        read(wav(tone(), format="VOC", subtype="PCM_16"))


@pytest.mark.parametrize("kind", ["m4a", "webm", "aac", "wma", "aiff"])
def test_without_the_extra_its_formats_are_refused_by_its_name(kind: str) -> None:
    data = write_media(tone(0.5, KINDS[kind][2]), kind)
    with pytest.raises(UnsupportedMediaError, match="'codecs'") as refused:
        decode(data, field="file", max_seconds=60.0, codecs=False)
    assert refused.value.code == "codecs_missing"
    assert input_formats(codecs=False) == ("wav", "mp3", "flac", "ogg", "opus")
    assert kind in input_formats(codecs=True)


@pytest.mark.parametrize("data", [b"", wav(np.zeros(0, np.float32))])
def test_file_without_a_sample_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidFieldError, match="file"):
        read(data)


@pytest.mark.parametrize("container", ["WAV", "MP3"])
def test_recording_over_the_bound_is_too_large(container: str) -> None:
    subtype = "PCM_16" if container == "WAV" else "MPEG_LAYER_III"
    data = wav(tone(2.0), format=container, subtype=subtype)
    with pytest.raises(PayloadTooLargeError, match="at most 1 s"):
        read(data, max_seconds=1.0)


def test_bound_holds_where_the_header_knows_no_length() -> None:
    with pytest.raises(PayloadTooLargeError):
        read(record(SENTENCES[0]), max_seconds=1.0)


def test_samples_that_are_no_numbers_are_refused() -> None:
    broken = tone()
    broken[5] = np.nan
    with pytest.raises(InvalidFieldError, match="finite"):
        read(wav(broken, subtype="FLOAT"))


@pytest.mark.parametrize("to_hz", [8000, 22050, 44100, 48000])
def test_resampling_keeps_the_tone_and_the_duration(to_hz: int) -> None:
    made = resample(tone(1.0, 16000, hz=440.0), 16000, to_hz)
    assert abs(len(made) - to_hz) <= 1
    spectrum = np.abs(np.fft.rfft(made))
    assert abs(int(spectrum.argmax()) * to_hz / len(made) - 440.0) < 2.0


@pytest.mark.parametrize("to_hz", [16000, 22050])
def test_blocks_at_another_rate_are_together_what_the_whole_would_be(to_hz: int) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 200_000).astype(np.float32)
    blocks = read_blocks(wav(sound, 22050, subtype="FLOAT"), field="file", max_seconds=60.0)
    parts = list(at_rate(blocks, to_hz))
    made = np.concatenate(parts)
    whole = resample(sound, 22050, to_hz)
    assert len(parts) > 3
    assert len(made) == len(whole)
    assert np.abs(made - whole).max() < 1e-5


@pytest.fixture(params=["wav", "flac", "mp3", "ogg", "opus"])
def streamed(request: pytest.FixtureRequest) -> bytes:
    """Six seconds as POST /synthesize streams them: the head tells no length."""
    noise = np.random.default_rng(0).standard_normal(96000) * 0.01
    sound = tone(6.0) + noise.astype(np.float32)
    encoder = open_encoder(16000, FORMATS[request.param])
    return b"".join([*(encoder.add(part) for part in np.split(sound, 6)), encoder.finish()])


def test_what_we_stream_ourselves_is_read_to_its_end(streamed: bytes) -> None:
    assert abs(read(streamed).duration_s - 6.0) < 0.1


@pytest.mark.parametrize("name", ["flac", "ogg", "opus"])
@pytest.mark.parametrize("lost", [1, 500, 0.5])
def test_stream_that_broke_off_is_cut_off(name: str, lost: float) -> None:
    sound = tone(6.0) + np.random.default_rng(0).uniform(-0.01, 0.01, 96000).astype(np.float32)
    encoder = open_encoder(16000, FORMATS[name])
    data = encoder.add(sound) + encoder.finish()
    count = lost if lost >= 1 else len(data) * lost
    with pytest.raises(InvalidFieldError, match="cut off"):
        read(data[: len(data) - int(count)])


@pytest.mark.parametrize("frames", [65535, 65536, 65537, 131072])
def test_streamed_flac_may_end_where_a_block_does(frames: int) -> None:
    encoder = open_encoder(16000, FORMATS["flac"])
    data = encoder.add(tone(frames / 16000)) + encoder.finish()
    assert len(read(data).samples) == frames
