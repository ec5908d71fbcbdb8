import json

import httpx
import pytest

from fleetserve.cli.predict import how_it_came, parse_input
from tests.unit.fleetserve.cli.conftest import MakeShell

ANSWER = {
    "success": True,
    "result": [0.25, "é"],
    "processing_time": 0.0123,
    "model_info": {"model": "example", "device": "cpu"},
    "batch_info": {"replica": "inference-svc-1", "cold_start": True},
}


def test_result_goes_to_stdout_and_how_it_came_to_stderr(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json=ANSWER))
    assert sh("predict", "example", "[1, 2]") == 0
    assert sh.out == '[0.25, "é"]\n'
    assert sh.err == "example, inference-svc-1, on cpu, 12.3 ms, cold start\n"
    assert json.loads(sh.requests[0].content) == {"model_name": "example", "inputs": [1, 2]}


def test_options_become_fields(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json=ANSWER))
    options = ("--parameters", '{"top_k": 2}', "--timeout", "5", "--priority", "9")
    assert sh("predict", "m", "hello", *options) == 0
    assert json.loads(sh.requests[0].content) == {
        "model_name": "m",
        "inputs": "hello",
        "parameters": {"top_k": 2},
        "timeout": 5.0,
        "priority": 9,
    }


def test_text_option_keeps_what_looks_like_json(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json=ANSWER))
    assert sh("predict", "m", "42", "--text") == 0
    assert json.loads(sh.requests[0].content)["inputs"] == "42"


def test_dash_reads_stdin(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json=ANSWER))
    sh.stdin = "a text\n"
    assert sh("predict", "m", "-") == 0
    assert json.loads(sh.requests[0].content)["inputs"] == "a text"


def test_full_prints_the_whole_answer(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json=ANSWER))
    assert sh("predict", "m", "1", "--full") == 0
    assert json.loads(sh.out) == ANSWER
    assert sh.err == ""


def test_parameters_that_are_no_object_are_refused_before_a_call(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json=ANSWER))
    assert sh("predict", "m", "1", "--parameters", "top_k=2") == 1
    assert "--parameters is not a JSON object" in sh.err
    assert sh.requests == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("[1,2]", [1, 2]), ('"5"', "5"), ("5", 5), ("hello", "hello"), ("{oops", "{oops")],
)
def test_input_is_json_where_it_is_json(text: str, value: object) -> None:
    assert parse_input(text) == value


def test_answer_that_tells_little_gives_a_short_line() -> None:
    assert how_it_came({"result": 1}) == ""
