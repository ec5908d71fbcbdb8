import pytest

from audio_svc.audio.signatures import codecs_installed, kind_of
from tests.unit.audio_svc.media_files import KINDS, write_media
from tests.unit.audio_svc.requests import tone

CALLED = {"mp4": "m4a", "mov": "m4a", "mkv": "webm"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_known_by_its_first_bytes(kind: str) -> None:
    data = write_media(tone(0.5, KINDS[kind][2]), kind)
    assert kind_of(data[:16]) == CALLED.get(kind, kind)


@pytest.mark.parametrize("data", [b"", b"hello", b"RIFF\0\0\0\0WAVE"])
def test_others_are_not(data: bytes) -> None:
    assert kind_of(data) == ""


def test_extra_is_found_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert codecs_installed()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert not codecs_installed()
