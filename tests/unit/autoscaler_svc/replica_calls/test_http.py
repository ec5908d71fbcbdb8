from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from autoscaler_svc.replica_calls.http import HttpReplicaCalls
from fleetserve.clock import ManualClock
from fleetserve.errors import FleetError, NotFoundError, UnavailableError, UpstreamError
from fleetserve.tokens import CALLS, TokenSigner, make_secrets
from tests.unit.autoscaler_svc.fleet_parts import told

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def signer(tmp_path: Path) -> TokenSigner:
    make_secrets(tmp_path, [*CALLS, "inference-svc"])
    return TokenSigner(tmp_path, "autoscaler-svc", ManualClock())


def calls(signer: TokenSigner, answer: Answer) -> HttpReplicaCalls:
    return HttpReplicaCalls(signer, transport=httpx.MockTransport(answer))


async def test_load_waits_until_the_model_serves(signer: TokenSigner) -> None:
    seen: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json={"success": True})

    await calls(signer, answer).load(told("r1"), "a model/x", "rev")
    assert str(seen[0]) == "http://r1:8000/internal/models/a%20model%2Fx@rev?wait=true"


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFoundError), (503, UnavailableError), (500, UpstreamError), (422, UpstreamError)],
)
async def test_error_names_the_replica_and_keeps_its_reason(
    signer: TokenSigner, status: int, error: type[FleetError]
) -> None:
    body = {"detail": "what is wrong", "code": "its_code"}
    with pytest.raises(error, match="r1: what is wrong") as caught:
        await calls(signer, lambda _: httpx.Response(status, json=body)).load(
            told("r1"), "m", "rev"
        )
    assert caught.value.code == "its_code"


async def test_answer_of_another_program_is_a_bad_upstream(signer: TokenSigner) -> None:
    with pytest.raises(UpstreamError, match="it answered 500"):
        await calls(signer, lambda _: httpx.Response(500, text="oops")).load(told("r1"), "m", "rev")


async def test_replica_that_does_not_answer_is_unavailable(signer: TokenSigner) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(UnavailableError, match="r1 does not answer: refused"):
        await calls(signer, refuse).unload(told("r1"), "m", "rev")
