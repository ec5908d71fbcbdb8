import struct

import pytest

from audio_svc.audio.wholeness import missing_bytes
from tests.checkpoints.recordings import SENTENCES, record
from tests.unit.audio_svc.requests import tone, wav

RATE_HZ = 24000
SOUND = tone(1.0, RATE_HZ)


@pytest.mark.parametrize(
    ("container", "subtype"),
    [("WAV", "PCM_16"), ("WAVEX", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS")],
)
def test_whole_file_misses_nothing_and_a_cut_one_does(container: str, subtype: str) -> None:
    data = wav(SOUND, RATE_HZ, format=container, subtype=subtype)
    assert missing_bytes(data) == 0
    for share in (0.99, 0.5, 0.1):
        assert missing_bytes(data[: int(len(data) * share)]) > 0


def test_wav_tells_how_much_is_missing() -> None:
    assert missing_bytes(wav(SOUND, RATE_HZ)[:-1000]) == 1000


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_wav_written_to_a_pipe_has_no_known_size(size: int) -> None:
    data = bytearray(wav(SOUND, RATE_HZ))
    place = data.index(b"data") + 4
    struct.pack_into("<I", data, place, size)
    assert missing_bytes(bytes(data)) == 0


def test_recording_of_espeak_is_taken_as_whole() -> None:
    assert missing_bytes(record(SENTENCES[0])) == 0


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"OggS", b"hello"])
def test_scraps_do_not_raise(data: bytes) -> None:
    assert missing_bytes(data) >= 0
