from pathlib import Path

import httpx2 as httpx
import pytest

from fleetserve.announcements import Announcement, ReplicaState
from fleetserve.clock import ManualClock
from fleetserve.errors import FleetError, InternalError, UpstreamError, error_body
from fleetserve.tokens import CALLS, TokenSigner, make_secrets
from model_registry_svc.fleet_calls.http import HttpFleetCalls

REPLICA = Announcement("inference-svc", "r1", "http://r1:8000", "b1", ReplicaState.READY)


def calls_to(folder: Path, answer: httpx.Response, sent: list[httpx.Request]) -> HttpFleetCalls:
    make_secrets(folder, [*CALLS, "inference-svc"])
    signer = TokenSigner(folder, "model-registry-svc", ManualClock())

    def take(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answer

    return HttpFleetCalls(signer, transport=httpx.MockTransport(take))


def test_instance_is_one_segment_of_the_path(tmp_path: Path) -> None:
    sent: list[httpx.Request] = []
    calls = calls_to(tmp_path, httpx.Response(200), sent)
    calls.stage(REPLICA, "a/b", "r?1")
    assert sent[0].url.raw_path == b"/internal/models/a%2Fb@r%3F1?stage=true"
    calls.close()


@pytest.mark.parametrize(
    ("answer", "detail", "code"),
    [
        (
            httpx.Response(
                500,
                json=error_body(InternalError("the weights are cut", code="model_load_failed"), ""),
            ),
            "r1: the weights are cut",
            "model_load_failed",
        ),
        (httpx.Response(418, text="a teapot"), "r1: it answered 418", "bad_upstream"),
    ],
)
def test_what_a_replica_failed_with_is_a_bad_gateway_that_says_it(
    tmp_path: Path, answer: httpx.Response, detail: str, code: str
) -> None:
    calls = calls_to(tmp_path, answer, [])
    with pytest.raises(FleetError) as caught:
        calls.load(REPLICA, "m", "rev", wait=True)
    assert isinstance(caught.value, UpstreamError)
    assert (caught.value.detail, caught.value.code) == (detail, code)
    calls.close()
