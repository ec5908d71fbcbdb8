import pytest

from audio_svc.api.accept import choose_format, wanted_audio
from audio_svc.audio.encoding import FORMATS
from fleetserve.errors import NotAcceptableError


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", (False, None)),
        ("*/*", (False, None)),
        ("application/json", (False, None)),
        ("text/html", (False, None)),
        ("audio/*", (True, None)),
        ("AUDIO/*; q=0.9", (True, None)),
        ("audio/mpeg", (True, "mp3")),
        ("audio/x-wav, */*;q=0.1", (True, "wav")),
        ("application/json, audio/*", (False, None)),
        ("application/json;q=0.5, audio/*", (True, None)),
        ("audio/*;q=0", (False, None)),
        ("audio/aac, audio/flac", (True, "aac")),
        ("audio/x-caf, audio/flac", (True, "flac")),
        ("audio/wav;q=high", (False, None)),
    ],
)
def test_header_decides_between_file_and_json(accept: str, wanted: tuple[bool, str | None]) -> None:
    assert wanted_audio(accept) == wanted


def test_wav_is_made_where_nobody_says_otherwise() -> None:
    assert choose_format(None, None).name == "wav"


@pytest.mark.parametrize(
    ("asked", "accepted", "made"),
    [("mp3", None, "mp3"), (None, "flac", "flac"), ("opus", "ogg", "opus"), ("wav", "wav", "wav")],
)
def test_body_goes_before_the_header(asked: str | None, accepted: str | None, made: str) -> None:
    assert choose_format(FORMATS[asked] if asked else None, accepted).name == made


def test_contradiction_is_not_acceptable() -> None:
    with pytest.raises(NotAcceptableError, match="mp3"):
        choose_format(FORMATS["mp3"], "flac")
