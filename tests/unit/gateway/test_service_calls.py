import asyncio

import pytest

from fleetserve.announcements import ReplicaState
from fleetserve.errors import UnavailableError
from fleetserve.tokens import TokenVerifier
from tests.unit.gateway.fleet import (
    Fleet,
    Gate,
    announced,
    answering,
    breaking_off,
    failing,
)

REGISTRY = "model-registry-svc"


async def test_answer_comes_with_its_status(fleet: Fleet) -> None:
    fleet.add(answering(b"content", status=404))
    (replica,) = fleet.table.all()
    assert await fleet.calls.get(replica, "/internal/status", 1.0) == (404, b"content")


async def test_call_carries_a_token_for_its_service(fleet: Fleet) -> None:
    fleet.add(answering(), announced("r1", service=REGISTRY))
    await fleet.calls.get_json(REGISTRY, "/openapi.json", 1.0)
    (sent,) = fleet.upstream.sent
    assert (sent.method, sent.target, sent.body) == ("GET", "/openapi.json", b"")
    verifier = TokenVerifier(fleet.runtime.settings.secrets_dir, REGISTRY, fleet.clock)
    assert verifier.check(sent.headers["x-fleet-token"]) == "gateway"


@pytest.mark.parametrize(
    "fault",
    [failing(sent=False), failing(sent=True), breaking_off()],
    ids=["refused", "lost", "broken off"],
)
async def test_process_that_does_not_answer_is_unavailable(fleet: Fleet, fault: object) -> None:
    fleet.add(fault)  # type: ignore[arg-type]
    (replica,) = fleet.table.all()
    with pytest.raises(UnavailableError, match="i1 does not answer"):
        await fleet.calls.get(replica, "/", 1.0)


async def test_process_that_hangs_is_unavailable_after_the_time_given(fleet: Fleet) -> None:
    gate = Gate()
    fleet.add(gate)
    (replica,) = fleet.table.all()
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.01 s"):
        await fleet.calls.get(replica, "/", 0.01)
    assert gate.cancelled


async def test_service_that_the_gateway_has_no_business_with_is_not_called(fleet: Fleet) -> None:
    fleet.add(answering(), announced("x1", service="stranger"))
    (replica,) = fleet.table.all()
    with pytest.raises(UnavailableError, match="stranger"):
        await fleet.calls.get(replica, "/", 1.0)
    assert fleet.upstream.sent == []


@pytest.mark.parametrize("state", [None, ReplicaState.STARTING])
async def test_json_of_a_service_that_is_not_ready_is_unavailable(
    fleet: Fleet, state: ReplicaState | None
) -> None:
    if state is not None:
        fleet.add(answering(), announced("r1", service=REGISTRY, state=state))
    with pytest.raises(UnavailableError, match="not ready"):
        await fleet.calls.get_json(REGISTRY, "/x", 1.0)


async def test_json_wants_a_200(fleet: Fleet) -> None:
    fleet.add(answering(status=500), announced("r1", service=REGISTRY))
    with pytest.raises(UnavailableError, match="500"):
        await fleet.calls.get_json(REGISTRY, "/x", 1.0)


async def test_caller_that_gives_up_ends_the_call(fleet: Fleet) -> None:
    gate = Gate()
    fleet.add(gate)
    (replica,) = fleet.table.all()
    calling = asyncio.ensure_future(fleet.calls.get(replica, "/", 10.0))
    await gate.arrived.wait()
    calling.cancel()
    await asyncio.wait([calling])
    assert gate.cancelled
