"""Streamed files, as any decoder reads them."""

import io
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from audio_svc.audio.encoding import FORMATS, AudioFormat, encode, to_int16
from audio_svc.audio.stream_encoding import MAKERS, Samples, check_streamed, open_encoder
from fleetserve.errors import InvalidFieldError
from tests.unit.audio_svc.requests import tone

RATE_HZ = 24000
PIECES = (2.5, 0.01, 1.3, 0.5)  # libsndfile gives Ogg out by pages, of about a second.
LOSSLESS = ("wav", "flac", "pcm")


@pytest.fixture(scope="module")
def speech() -> Samples:
    """Something between silence and noise that is no one tone: codecs make more of it."""
    rng = np.random.default_rng(0)
    made: Samples = tone(sum(PIECES), RATE_HZ, 180.0) * 0.6
    return (made + 0.05 * rng.standard_normal(len(made))).astype(np.float32)


def stream(speech: Samples, name: str) -> list[bytes]:
    """What each piece gave, and the end last."""
    encoder = open_encoder(RATE_HZ, FORMATS[name])
    cuts = np.cumsum([round(piece * RATE_HZ) for piece in PIECES])[:-1]
    return [*(encoder.add(piece) for piece in np.split(speech, cuts)), encoder.finish()]


def read(data: bytes, name: str) -> Samples:
    """By another decoder than the encoder's own; float32 at RATE_HZ."""
    if name == "pcm":
        return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768)
    change = av.AudioResampler("flt", "mono", RATE_HZ)
    with av.open(io.BytesIO(data), "r") as file:
        frames = [one for frame in file.decode(audio=0) for one in change.resample(frame)]
    frames += change.resample(None)
    made: Samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return made


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_stream_has_the_samples_of_the_whole_file(speech: Samples, name: str) -> None:
    made = read(b"".join(stream(speech, name)), name)
    assert np.array_equal(to_int16(made), to_int16(speech))


@pytest.mark.parametrize("name", ["mp3", "ogg", "opus"])
def test_lossy_stream_sounds_like_the_whole_file(speech: Samples, name: str) -> None:
    made = read(b"".join(stream(speech, name)), name)
    whole = read(encode(speech, RATE_HZ, FORMATS[name]), name)
    # The whole MP3's tag tells the decoder how much of the codec's delay to leave out.
    delay = best_shift(made, whole)
    length = min(len(made) - delay, len(whole))
    assert length > 0.97 * len(whole)
    assert np.corrcoef(made[delay : delay + length], whole[:length])[0, 1] > 0.99


def best_shift(made: Samples, whole: Samples, longest: int = 3000) -> int:
    """By how many samples the first is late."""
    middle = whole[5000:15000]
    scores = [float(made[5000 + n : 15000 + n] @ middle) for n in range(longest)]
    return int(np.argmax(scores))


@pytest.mark.parametrize("name", MAKERS)
def test_first_piece_can_be_heard_before_the_others_are_there(speech: Samples, name: str) -> None:
    first = stream(speech, name)[0]
    if FORMATS[name].container == "OGG":  # PyAV refuses one without its last page.
        heard, rate_hz = soundfile.read(io.BytesIO(first))
    else:
        heard, rate_hz = read(first, name), RATE_HZ
    assert len(heard) / rate_hz > 0.4 * PIECES[0]


@pytest.mark.parametrize("name", MAKERS)
def test_pieces_are_cut_where_nothing_is_lost(speech: Samples, name: str) -> None:
    encoder = open_encoder(RATE_HZ, FORMATS[name])
    at_once = encoder.add(speech) + encoder.finish()
    assert len(read(b"".join(stream(speech, name)), name)) == len(read(at_once, name))


def test_wav_of_unknown_size_is_read_by_the_standard_library(speech: Samples) -> None:
    data = b"".join(stream(speech, "wav"))
    head: Any = np.frombuffer(data[:44], "<u4")
    assert (head[1], head[10]) == (0xFFFFFFFF, 0xFFFFFFFF)
    assert soundfile.info(io.BytesIO(data)).samplerate == RATE_HZ


def test_mp3_begins_with_speech_and_not_with_a_silent_tag(speech: Samples) -> None:
    data = b"".join(stream(speech, "mp3"))
    assert data[4:64].strip(b"\0")


def test_no_samples_still_make_a_file() -> None:
    encoder = open_encoder(RATE_HZ, FORMATS["wav"])
    assert encoder.finish().startswith(b"RIFF")


def test_format_that_is_only_made_whole_says_which_can_be_streamed() -> None:
    with pytest.raises(InvalidFieldError, match="wav, flac, mp3, ogg, opus, pcm"):
        check_streamed(AudioFormat("caf", "CAF", "PCM_16", "audio/x-caf"))
