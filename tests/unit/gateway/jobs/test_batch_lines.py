import io

import orjson
import pytest

from fleetserve.errors import BadRequestError
from gateway.jobs.batch_lines import Written, body_of, error_line, inputs, result_line, whole_lines
from gateway.jobs.work import Work

WORK = Work("f", "/predict", "m", "d", 0, lines=3)
WITH = Work("f", "/predict", "m", "d", 0, lines=3, parameters={"top_k": 1, "x": 2})


def test_blank_lines_are_no_inputs() -> None:
    assert list(inputs(io.BytesIO(b"1\n\n  \r\n2"))) == [b"1\n", b"2"]


@pytest.mark.parametrize(
    ("work", "line", "body"),
    [
        (WORK, b"[1,2]\n", {"model_name": "m", "inputs": [1, 2]}),
        (WORK, b'"text"', {"model_name": "m", "inputs": "text"}),
        (WORK, b'{"question":"?"}', {"model_name": "m", "inputs": {"question": "?"}}),
        (WITH, b"1", {"model_name": "m", "inputs": 1, "parameters": {"top_k": 1, "x": 2}}),
        (
            WITH,
            b'{"inputs":1,"parameters":{"top_k":5}}',
            {"model_name": "m", "inputs": 1, "parameters": {"top_k": 5, "x": 2}},
        ),
        (WORK, b'{"inputs":1}', {"model_name": "m", "inputs": 1}),
    ],
)
def test_line_becomes_a_request(work: Work, line: bytes, body: object) -> None:
    assert orjson.loads(body_of(work, line)) == body


def test_line_that_is_not_json_is_refused() -> None:
    with pytest.raises(BadRequestError, match="not JSON") as caught:
        body_of(WORK, b"{oops")
    line = orjson.loads(error_line(4, caught.value))
    assert line["index"] == 4
    assert (line["error"]["status"], line["error"]["code"]) == (400, "invalid_json")


def test_result_is_passed_on_as_it_is_written() -> None:
    line, failed = result_line(2, 200, b'{"success":true,"result": [0.10, 1e3],"more":1}')
    assert (line, failed) == (b'{"index":2,"result":[0.10, 1e3]}\n', False)


@pytest.mark.parametrize(
    ("status", "content", "code"),
    [
        (422, b'{"error":"Invalid","detail":"inputs: no","code":"invalid_field"}', "invalid_field"),
        (200, b"no JSON", "internal_error"),
    ],
)
def test_failure_has_its_error(status: int, content: bytes, code: str) -> None:
    line, failed = result_line(0, status, content)
    assert failed
    assert orjson.loads(line)["error"]["code"] == code


@pytest.mark.parametrize("content", [b"oops", b"[1]"])
def test_failure_that_says_nothing_has_its_status(content: bytes) -> None:
    assert orjson.loads(result_line(0, 502, content)[0])["error"] == {"status": 502}


@pytest.mark.parametrize(
    "torn",
    [
        b"",
        b'{"index":2,"res',
        b'{"index":2,"result":1}',
        b"\0\0\n",
        b'{"index":7,"result":1}\n',
    ],
)
def test_what_is_kept_ends_before_the_first_line_that_is_not_whole(torn: bytes) -> None:
    whole = b'{"index":0,"result":1}\n{"index":1,"error":{"status":422}}\n'
    assert whole_lines(io.BytesIO(whole + torn)) == Written(2, 1, len(whole))
