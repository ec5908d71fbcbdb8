import numpy as np
import pytest

from audio_svc.audio.decoding import decode
from audio_svc.audio.media import MAX_RATE_HZ
from audio_svc.audio.recording import Recording
from fleetserve.errors import InvalidFieldError, PayloadTooLargeError, UnsupportedMediaError
from tests.unit.audio_svc.media_files import KINDS, film, write_media
from tests.unit.audio_svc.requests import tone, wav


def read(data: bytes, max_seconds: float = 60.0) -> Recording:
    return decode(data, field="file", max_seconds=max_seconds)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_kind_of_file_is_read_to_mono(kind: str, channels: int) -> None:
    if kind == "amr" and channels == 2:
        channels = 1  # Telephones have one.
    rate_hz = KINDS[kind][2]
    recording = read(write_media(np.stack([tone(2.0, rate_hz)] * channels), kind))
    assert recording.rate_hz == rate_hz
    assert recording.samples.dtype == np.float32
    assert abs(recording.duration_s - 2.0) < 0.1
    middle = recording.samples[rate_hz // 2 : rate_hz * 3 // 2]
    spectrum = np.abs(np.fft.rfft(middle))
    assert int(spectrum.argmax()) == 220  # One second: a bin is one hertz.
    assert 0.7 < np.sqrt(np.mean(middle**2)) / np.sqrt(0.125) < 1.1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_truncated_file_is_refused(kind: str, part: float) -> None:
    data = write_media(tone(3.0, KINDS[kind][2]), kind)
    with pytest.raises(InvalidFieldError, match="cut off") as refused:
        read(data[: int(len(data) * part)])
    assert refused.value.code == "audio_truncated"


def test_fragmented_file_of_a_recorder_is_read() -> None:
    data = write_media(tone(2.0, 48000), "mp4", {"movflags": "frag_keyframe+empty_moov"})
    assert abs(read(data).duration_s - 2.0) < 0.1


@pytest.mark.parametrize("picture_s", [1.0, 6.0])
def test_sound_of_a_film_may_be_shorter_or_longer_than_its_pictures(picture_s: float) -> None:
    assert abs(read(film(tone(3.0, 44100), picture_s)).duration_s - 3.0) < 0.1


def test_channels_are_averaged() -> None:
    left = tone(1.0, 44100)
    assert np.abs(read(write_media(np.stack([left, -left]), "mov")).samples).max() < 1e-3


@pytest.mark.parametrize("kind", ["m4a", "aac", "webm"])
def test_recording_over_the_bound_is_too_large(kind: str) -> None:
    data = write_media(tone(3.0, KINDS[kind][2]), kind)
    with pytest.raises(PayloadTooLargeError, match="at most 1 s"):
        read(data, max_seconds=1.0)


def test_length_in_the_header_is_refused_before_anything_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = write_media(tone(3.0, 44100), "m4a")
    monkeypatch.setattr("audio_svc.audio.media._Track.read", None)
    with pytest.raises(PayloadTooLargeError):
        read(data, max_seconds=1.0)


def test_rate_beyond_hearing_is_brought_down() -> None:
    sound = tone(1.0, 96000)
    recording = read(wav(sound, 96000, format="AIFF", subtype="PCM_16"))
    assert recording.rate_hz == MAX_RATE_HZ
    assert abs(recording.duration_s - 1.0) < 0.01


@pytest.mark.parametrize(
    "playlist",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    ],
)
def test_playlist_that_names_other_files_is_no_audio(playlist: bytes) -> None:
    with pytest.raises(UnsupportedMediaError, match="not an audio file"):
        read(playlist)


def test_film_without_sound_says_so() -> None:
    with pytest.raises(UnsupportedMediaError, match="no sound track"):
        read(film(None, 1.0))


@pytest.mark.parametrize("begin", [b"\x00\x00\x00\x20ftypM4A ", b"\xff\xf1", b"#!AMR\n"])
def test_file_that_only_begins_like_one_of_ours_is_broken(begin: bytes) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 4000, np.uint8).tobytes()
    with pytest.raises((InvalidFieldError, UnsupportedMediaError), match="file"):
        read(begin + noise)
