import base64
import json
from pathlib import Path

import httpx
import pytest

from tests.unit.fleetserve.cli.conftest import MakeShell, routes

AUDIO = b"RIFF....WAVE"
ANSWER = {
    "success": True,
    "audio_data": base64.b64encode(AUDIO).decode(),
    "duration": 3.4,
    "sample_rate": 16000,
    "processing_time": 1.25,
    "model_info": {"model": "speecht5_tts"},
    "warnings": ["The default voice is not there; 'neutral' spoke."],
}
SPOKEN = {"POST /synthesize": httpx.Response(200, json=ANSWER)}


def test_audio_is_written_and_described(shell: MakeShell, tmp_path: Path) -> None:
    sh = shell(routes({**SPOKEN}))
    target = tmp_path / "out.wav"
    assert sh("say", "Hello.", "-o", str(target), "--model", "speecht5_tts", "--seed", "7") == 0
    assert target.read_bytes() == AUDIO
    assert sh.err == (
        f"{target}: 3.40 s, 16000 Hz, speecht5_tts, spoken in 1.25 s\n"
        "warning: The default voice is not there; 'neutral' spoke.\n"
    )
    assert json.loads(sh.requests[0].content) == {
        "model_name": "speecht5_tts",
        "inputs": "Hello.",
        "output_format": "wav",
        "seed": 7,
    }


def test_format_follows_the_file_s_name(shell: MakeShell, tmp_path: Path) -> None:
    sh = shell(routes({**SPOKEN}))
    assert sh("say", "x", "-o", str(tmp_path / "a.MP3"), "--model", "m") == 0
    assert json.loads(sh.requests[0].content)["output_format"] == "mp3"


def test_name_without_a_format_is_refused_before_a_call(shell: MakeShell, tmp_path: Path) -> None:
    sh = shell(routes({}))
    assert sh("say", "x", "-o", str(tmp_path / "a.txt"), "--model", "m") == 1
    assert "--format" in sh.err


def test_stdout_gets_the_audio_alone(shell: MakeShell) -> None:
    sh = shell(routes({**SPOKEN}))
    assert sh("say", "x", "-o", "-", "--model", "m") == 0
    assert sh.binary == AUDIO
    assert sh.out == ""


def test_text_comes_from_stdin(shell: MakeShell) -> None:
    sh = shell(routes({**SPOKEN}))
    sh.stdin = "from a pipe"
    assert sh("say", "-", "-o", "-", "--model", "m", "--speed", "1.5", "--voice", "slt") == 0
    sent = json.loads(sh.requests[0].content)
    assert (sent["inputs"], sent["speed"], sent["voice"]) == ("from a pipe", 1.5, "slt")


def test_file_that_cannot_be_written_is_said(shell: MakeShell, tmp_path: Path) -> None:
    sh = shell(routes({**SPOKEN}))
    assert sh("say", "x", "-o", str(tmp_path / "no" / "a.wav"), "--model", "m") == 1
    assert "can't be written" in sh.err


@pytest.mark.parametrize("answer", [{}, {"audio_data": None}, {"audio_data": "!!"}])
def test_answer_without_audio_is_an_error(
    shell: MakeShell, tmp_path: Path, answer: dict[str, object]
) -> None:
    sh = shell(routes({"POST /synthesize": httpx.Response(200, json=answer)}))
    assert sh("say", "x", "-o", str(tmp_path / "a.wav"), "--model", "m") == 1
    assert "holds no audio" in sh.err
