import io

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from audio_svc.audio.aac import AacEncoder, encode_aac
from audio_svc.audio.encoding import FORMATS
from tests.unit.audio_svc.requests import tone


def decode_aac(data: bytes) -> tuple[NDArray[np.float32], int]:
    with av.open(io.BytesIO(data), "r", format="aac") as container:
        frames = list(container.decode(audio=0))
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


@pytest.mark.parametrize("rate_hz", FORMATS["aac"].rates_hz)
def test_file_holds_the_tone_at_its_rate(rate_hz: int) -> None:
    made, found_hz = decode_aac(encode_aac(tone(2.0, rate_hz, hz=440.0), rate_hz))
    assert found_hz == rate_hz
    assert abs(len(made) / rate_hz - 2.0) < 0.4
    middle = made[rate_hz // 2 : rate_hz * 3 // 2]
    assert int(np.abs(np.fft.rfft(middle)).argmax()) == 440


def test_pieces_give_the_same_file_as_the_whole() -> None:
    samples = tone(1.0, 24000)
    encoder = AacEncoder(24000)
    pieces = [encoder.add(piece) for piece in np.array_split(samples, 7)]
    assert b"".join([*pieces, encoder.finish()]) == encode_aac(samples, 24000)
    assert sum(map(bool, pieces)) > 1


def test_every_frame_stands_in_an_adts_header_of_its_own_length() -> None:
    data = encode_aac(tone(1.0, 16000), 16000)
    place = frames = 0
    while place < len(data):
        assert data[place] == 0xFF
        assert data[place + 1] >> 4 == 0xF
        place += (data[place + 3] & 3) << 11 | data[place + 4] << 3 | data[place + 5] >> 5
        frames += 1
    assert place == len(data)
    assert frames >= 16000 // 1024
