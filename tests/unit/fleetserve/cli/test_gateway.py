import httpx
import pytest

from tests.unit.fleetserve.cli.conftest import MakeShell

PREDICT = ("predict", "example", "[1]")


def test_api_error_is_one_readable_block(shell: MakeShell) -> None:
    body = {
        "success": False,
        "error": "Model not found",
        "detail": "There is no model named 'exampel'. Did you mean example?",
        "code": "model_not_found",
        "request_id": "ab-1",
    }
    sh = shell(lambda _: httpx.Response(404, json=body))
    assert sh("predict", "exampel", "[1]") == 1
    assert sh.out == ""
    assert sh.err == (
        "fleetserve: Model not found\n"
        "  There is no model named 'exampel'. Did you mean example?\n"
        "  status 404 Not Found, code model_not_found, request_id ab-1\n"
    )


def test_when_to_try_again_is_shown(shell: MakeShell) -> None:
    body = {"error": "Not available now", "detail": "loading", "code": "loading"}
    answer = httpx.Response(503, json=body, headers={"Retry-After": "7"})
    sh = shell(lambda _: answer)
    assert sh(*PREDICT) == 1
    assert "worth another try in 7 s" in sh.err


def test_nobody_there_says_how_to_start_a_fleet(shell: MakeShell) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    sh = shell(refuse)
    assert sh(*PREDICT) == 1
    assert sh.err.startswith("fleetserve: nothing answers at http://127.0.0.1:8000\n")
    assert "make run" in sh.err
    assert "--url" in sh.err


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (httpx.ReadTimeout("slow"), "no answer from"),
        (httpx.RemoteProtocolError("peer closed connection"), "broke"),
    ],
)
def test_broken_connections_are_named(
    shell: MakeShell, failure: httpx.TransportError, said: str
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure

    sh = shell(fail)
    assert sh(*PREDICT) == 1
    assert said in sh.err


@pytest.mark.parametrize("status", [200, 502])
def test_answer_of_another_program_is_no_traceback(shell: MakeShell, status: int) -> None:
    sh = shell(lambda _: httpx.Response(status, text="<html>hello</html>"))
    assert sh(*PREDICT) == 1
    assert sh.err.startswith("fleetserve: http://127.0.0.1:8000/predict answered")


def test_url_and_token_come_from_the_environment(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json={"result": 1}))
    sh.environ = {"FLEETSERVE_URL": "http://fleet:9000", "FLEETSERVE_TOKEN": "sk_env"}
    assert sh(*PREDICT) == 0
    assert str(sh.requests[0].url) == "http://fleet:9000/predict"
    assert sh.requests[0].headers["Authorization"] == "Bearer sk_env"


def test_options_go_over_the_environment(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json={"result": 1}))
    sh.environ = {"FLEETSERVE_URL": "http://fleet:9000", "FLEETSERVE_TOKEN": "sk_env"}
    assert sh(*PREDICT, "--url", "http://other", "--token", "sk_option") == 0
    assert sh.requests[0].url.host == "other"
    assert sh.requests[0].headers["Authorization"] == "Bearer sk_option"


def test_without_a_token_none_is_sent(shell: MakeShell) -> None:
    sh = shell(lambda _: httpx.Response(200, json={"result": 1}))
    assert sh(*PREDICT) == 0
    assert "Authorization" not in sh.requests[0].headers


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://fleet", "http://[::1"])
def test_what_is_no_address_is_said(shell: MakeShell, url: str) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.UnsupportedProtocol("no", request=request)

    sh = shell(refuse)
    assert sh(*PREDICT, "--url", url) == 1
    assert sh.err.startswith(f"fleetserve: {url} is not an address")
