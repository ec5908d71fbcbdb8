"""What every adapter of the ReplicaCalls port does."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from autoscaler_svc.replica_calls.base import ReplicaCalls
from autoscaler_svc.replica_calls.http import HttpReplicaCalls
from autoscaler_svc.replica_calls.memory import MemoryReplicaCalls
from fleetserve.announcements import Announcement, ReplicaState
from fleetserve.clock import ManualClock
from fleetserve.errors import ConflictError, DoesNotFitError, error_body
from fleetserve.tokens import CALLS, TokenSigner, make_secrets

REPLICA = Announcement("inference-svc", "r1", "http://r1:8000", "b1", ReplicaState.READY)
IN_USE = ConflictError("m has been used meanwhile.", code="model_in_use")
TOO_LARGE = DoesNotFitError("needs 9 GiB")


@dataclass
class Case:
    calls: ReplicaCalls
    made: Callable[[], list[tuple[str, str, str]]]
    refuse: Callable[[str], None]
    use: Callable[[str], None]
    revive: Callable[[], None]
    die: Callable[[], None]


@dataclass
class Replica:
    """The far end of the HTTP adapter."""

    made: list[tuple[str, str, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    dead: bool = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.dead:
            raise httpx.ConnectError("refused")
        if request.url.path == "/health/live":
            return httpx.Response(503)
        assert request.headers["x-fleet-token"].startswith("autoscaler-svc.")
        instance = request.url.path.removeprefix("/internal/models/")
        if "idle_s" in request.url.params and instance.partition("@")[0] in self.used:
            return httpx.Response(409, json=error_body(IN_USE, "id"))
        verb = {"PUT": "load", "DELETE": "unload"}[request.method]
        self.made.append((verb, "r1", instance))
        if instance.partition("@")[0] in self.refused:
            return httpx.Response(507, json=error_body(TOO_LARGE, "id"))
        return httpx.Response(200, json={"success": True})


@pytest.fixture(params=["memory", "http"])
async def case(
    request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str
) -> AsyncIterator[Case]:
    if request.param == "memory":
        memory = MemoryReplicaCalls()
        memory.alive.add("r1")
        yield Case(
            memory,
            lambda: memory.made,
            lambda name: memory.failures.update({name: TOO_LARGE}),
            memory.wanted.add,
            lambda: memory.alive.add("r1"),
            memory.alive.clear,
        )
        return
    make_secrets(tmp_path, [*CALLS, "inference-svc"])
    replica = Replica()
    signer = TokenSigner(tmp_path, "autoscaler-svc", ManualClock())
    calls = HttpReplicaCalls(signer, transport=httpx.MockTransport(replica.answer))

    def live(*, dead: bool) -> None:
        replica.dead = dead

    yield Case(
        calls,
        lambda: replica.made,
        replica.refused.add,
        replica.used.add,
        lambda: live(dead=False),
        lambda: live(dead=True),
    )
    await calls.close()


async def test_model_is_loaded_and_unloaded_by_its_revision(case: Case) -> None:
    await case.calls.load(REPLICA, "m", "rev")
    await case.calls.unload(REPLICA, "m", "rev")
    assert case.made() == [("load", "r1", "m@rev"), ("unload", "r1", "m@rev")]


async def test_refusal_is_raised_as_it_was_meant(case: Case) -> None:
    case.refuse("m")
    with pytest.raises(DoesNotFitError, match="9 GiB"):
        await case.calls.load(REPLICA, "m", "rev")


async def test_model_that_was_used_is_spared_unless_it_is_to_go_in_any_case(case: Case) -> None:
    case.use("m")
    with pytest.raises(ConflictError, match="used meanwhile"):
        await case.calls.unload(REPLICA, "m", "rev", idle_s=60.0)
    assert case.made() == []
    await case.calls.unload(REPLICA, "m", "rev")
    assert case.made() == [("unload", "r1", "m@rev")]


async def test_who_answers_at_all_is_alive(case: Case) -> None:
    assert await case.calls.is_alive(REPLICA)
    case.die()
    assert not await case.calls.is_alive(REPLICA)
    case.revive()
    assert await case.calls.is_alive(REPLICA)
