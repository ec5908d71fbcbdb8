import json

import httpx
import pytest

from tests.unit.fleetserve.cli.conftest import InstantClock, MakeShell, Shell, routes

STARTED = httpx.Response(202, json={"download_id": "d1", "status": "downloading"})
STATUS = "GET /models/download/status/d1"


def pulling(shell: MakeShell, *answers: dict[str, object]) -> Shell:
    left = list(answers)
    return shell(
        routes(
            {
                "POST /models/download": STARTED,
                STATUS: lambda _: httpx.Response(200, json=left.pop(0)),
            }
        )
    )


def progress(state: str, done: int, total: int = 10_000_000, **more: object) -> dict[str, object]:
    return {"status": state, "bytes_done": done, "bytes_total": total, **more}


def test_progress_is_followed_to_the_end(shell: MakeShell, clock: InstantClock) -> None:
    sh = pulling(
        shell,
        {"status": "resolving", "bytes_done": 0, "bytes_total": 0},
        progress("downloading", 4_000_000, eta=3.2),
        progress("verifying", 10_000_000),
        progress("completed", 10_000_000),
    )
    assert sh("pull", "acme/tiny") == 0
    assert sh.out == "tiny is there\n"
    assert sh.err.splitlines() == [
        "     0.0 MB   resolving",
        "[############------------------]  40 %   4.0 of 10.0 MB   3 s left",
        "[##############################] 100 %   10.0 of 10.0 MB   verifying",
        "[##############################] 100 %   10.0 of 10.0 MB   completed",
    ]
    assert clock.slept == [0.25] * 3


def test_name_is_the_last_part_of_the_id(shell: MakeShell) -> None:
    sh = pulling(shell, progress("completed", 1))
    assert sh("pull", "acme/tiny", "--task", "feature-extraction", "--revision", "v2") == 0
    assert json.loads(sh.requests[0].content) == {
        "source": "huggingface",
        "model_id": "acme/tiny",
        "name": "tiny",
        "task": "feature-extraction",
        "revision": "v2",
    }


@pytest.mark.parametrize(
    "model_id", ["microsoft/speecht5_tts", "speechbrain/tts-tacotron2-ljspeech"]
)
def test_model_of_spectrograms_comes_with_its_vocoder(shell: MakeShell, model_id: str) -> None:
    sh = pulling(shell, progress("completed", 1))
    assert sh("pull", model_id, "--name", "voice") == 0
    sent = json.loads(sh.requests[0].content)
    assert (sent["name"], sent["include_vocoder"]) == ("voice", True)


def test_model_that_is_there_is_not_followed(shell: MakeShell) -> None:
    there = httpx.Response(202, json={"download_id": "d1", "status": "already_exists"})
    sh = shell(routes({"POST /models/download": there}))
    assert sh("pull", "acme/tiny") == 0
    assert sh.out == "tiny was there already\n"


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_failed_download_says_why(shell: MakeShell, state: str) -> None:
    sh = pulling(shell, progress("downloading", 1), progress(state, 1, message="disk is full"))
    assert sh("pull", "acme/tiny") == 1
    assert f"fleetserve: the download of acme/tiny {state}\n  disk is full\n" in sh.err
