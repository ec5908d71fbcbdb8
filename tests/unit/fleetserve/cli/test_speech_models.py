import json

import httpx

from tests.unit.fleetserve.cli.conftest import MakeShell, routes

SPOKEN = httpx.Response(200, json={"audio_data": "AAAA"})


BUILT_IN = {"tiny_tts": {"task": "text-to-speech", "source": "built-in"}}


def models(**tasks: str) -> httpx.Response:
    """What a fleet that has these too answers."""
    got = {name: {"task": task, "source": "huggingface"} for name, task in tasks.items()}
    return httpx.Response(200, json={"model_info": BUILT_IN | got})


def test_only_speech_model_needs_no_name(shell: MakeShell) -> None:
    found = models(speecht5_tts="text-to-speech", whisper="automatic-speech-recognition")
    sh = shell(routes({"GET /models": found, "POST /synthesize": SPOKEN}))
    assert sh("say", "x", "-o", "-") == 0
    assert json.loads(sh.requests[1].content)["model_name"] == "speecht5_tts"


def test_built_in_model_speaks_where_there_is_no_other(shell: MakeShell) -> None:
    sh = shell(routes({"GET /models": models(), "POST /synthesize": SPOKEN}))
    assert sh("say", "x", "-o", "-") == 0
    assert json.loads(sh.requests[1].content)["model_name"] == "tiny_tts"


def test_several_are_listed_to_choose_from(shell: MakeShell) -> None:
    sh = shell(routes({"GET /models": models(b="text-to-speech", a="text-to-speech")}))
    assert sh("say", "x", "-o", "-") == 1
    assert "Choose one with --model: a, b" in sh.err


def test_none_says_how_to_get_one(shell: MakeShell) -> None:
    sh = shell(routes({"GET /models": httpx.Response(200, json={"model_info": None})}))
    assert sh("say", "x", "-o", "-") == 1
    assert "fleetserve pull microsoft/speecht5_tts" in sh.err
