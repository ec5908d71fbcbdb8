from pathlib import Path

import httpx
import pytest

from tests.unit.fleetserve.cli.conftest import MakeShell, routes


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "a recording.wav"
    path.write_bytes(b"RIFF....WAVE")
    return path


def test_text_is_printed(shell: MakeShell, recording: Path) -> None:
    answer = httpx.Response(200, json={"success": True, "text": " Hello, world. "})
    sh = shell(routes({"POST /transcribe": answer}))
    assert sh("transcribe", str(recording), "--model", "whisper", "--language", "en") == 0
    assert sh.out == "Hello, world.\n"
    sent = sh.requests[0].content
    assert b'filename="a recording.wav"' in sent
    assert b"RIFF....WAVE" in sent
    assert b'name="model_name"\r\n\r\nwhisper' in sent
    assert b'name="language"\r\n\r\nen' in sent
    assert b'name="response_format"\r\n\r\njson' in sent


def test_subtitles_are_passed_through(shell: MakeShell, recording: Path) -> None:
    srt = "1\n00:00:00,000 --> 00:00:01,000\nHello.\n"
    sh = shell(routes({"POST /transcribe": httpx.Response(200, text=srt)}))
    options = ("--model", "w", "--format", "srt", "--translate")
    assert sh("transcribe", str(recording), *options) == 0
    assert sh.out == srt
    assert b'name="task"\r\n\r\ntranslate' in sh.requests[0].content


def test_only_recognition_model_needs_no_name(shell: MakeShell, recording: Path) -> None:
    found = {"model_info": {"w": {"task": "automatic-speech-recognition"}}}
    answers = {
        "GET /models": httpx.Response(200, json=found),
        "POST /transcribe": httpx.Response(200, json={"text": "hi"}),
    }
    sh = shell(routes({**answers}))
    assert sh("transcribe", str(recording)) == 0
    assert b'name="model_name"\r\n\r\nw\r\n' in sh.requests[1].content


def test_missing_file_is_said_before_a_call(shell: MakeShell, tmp_path: Path) -> None:
    sh = shell(routes({}))
    assert sh("transcribe", str(tmp_path / "nothing.wav")) == 1
    assert "nothing.wav can't be read\n  No such file or directory" in sh.err
