"""What every adapter of the registry's FleetCalls port does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx
import pytest

from fleetserve.announcements import Announcement, ReplicaState
from fleetserve.clock import ManualClock
from fleetserve.errors import (
    ConflictError,
    DoesNotFitError,
    FleetError,
    InvalidFieldError,
    NotFoundError,
    UnavailableError,
    UpstreamError,
    error_body,
)
from fleetserve.tokens import CALLS, TokenSigner, make_secrets
from model_registry_svc.fleet_calls.base import FleetCalls, NoAnswerError
from model_registry_svc.fleet_calls.http import HttpFleetCalls
from model_registry_svc.fleet_calls.memory import FREED_BYTES, MemoryFleetCalls

REPLICA = Announcement("inference-svc", "r1", "http://r1:8000", "b1", ReplicaState.READY)
SCALER = Announcement("autoscaler-svc", "s1", "http://s1:8000", "b2", ReplicaState.READY)


@dataclass
class Case:
    calls: FleetCalls
    made: Callable[[], list[tuple[str, str, str]]]
    refuse: Callable[[FleetError], None]
    hold: Callable[[], None]
    delay: Callable[[int], None]


@dataclass
class FarEnd:
    """A replica and an autoscaler, as the HTTP adapter meets them."""

    made: list[tuple[str, str, str]] = field(default_factory=list)
    error: FleetError | None = None
    held: bool = False
    slow: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        replica = request.url.host
        assert request.headers["x-fleet-token"].startswith("model-registry-svc.")
        if isinstance(self.error, NoAnswerError):
            raise httpx.ConnectError("refused")
        if self.error is not None:
            return httpx.Response(self.error.status, json=error_body(self.error, "id"))
        kind, _, what = request.url.path.removeprefix("/internal/").partition("/")
        if kind == "pins":
            return self._note("read_pins", replica, "")
        if kind == "floors":
            return self._note("forget", replica, what)
        if what.endswith("/leaving"):
            what = what.removesuffix("/leaving")
            return self._note("leaving", replica, what, 202 if self.held else 200)
        if request.method == "DELETE":
            return self._note("unload", replica, what, 202 if self.held else 200)
        if "stage" in request.url.params:
            self.slow -= 1
            return self._note("stage", replica, what, 200 if self.slow < 0 else 202)
        return self._note("load", replica, what, 200 if "wait" in request.url.params else 202)

    def _note(self, verb: str, replica: str, what: str, status: int = 200) -> httpx.Response:
        self.made.append((verb, replica, what))
        return httpx.Response(status, json={"success": True, "freed_bytes": FREED_BYTES})


@pytest.fixture(params=["memory", "http"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    if request.param == "memory":
        memory = MemoryFleetCalls()

        def delay(times: int) -> None:
            memory.slow = times

        yield Case(
            memory,
            lambda: memory.made,
            lambda error: memory.failures.update({"r1": error}),
            lambda: memory.held.add("m"),
            delay,
        )
        return
    make_secrets(tmp_path, [*CALLS, "inference-svc", "autoscaler-svc"])
    far = FarEnd()
    signer = TokenSigner(tmp_path, "model-registry-svc", ManualClock())
    calls = HttpFleetCalls(signer, transport=httpx.MockTransport(far.answer))

    def refuse(error: FleetError) -> None:
        far.error = error

    def hold() -> None:
        far.held = True

    def delay_far(times: int) -> None:
        far.slow = times

    yield Case(calls, lambda: far.made, refuse, hold, delay_far)
    calls.close()


def test_model_is_loaded_at_once_or_soon(case: Case) -> None:
    assert case.calls.load(REPLICA, "m", "rev", wait=True)
    assert not case.calls.load(REPLICA, "m", "rev", wait=False)
    assert case.made() == [("load", "r1", "m@rev")] * 2


def test_revision_is_staged_when_it_is_loaded(case: Case) -> None:
    case.delay(1)
    assert not case.calls.stage(REPLICA, "m", "new")
    assert case.calls.stage(REPLICA, "m", "new")
    assert case.made() == [("stage", "r1", "m@new")] * 2


def test_model_is_gone_when_nobody_holds_it(case: Case) -> None:
    assert case.calls.unload(REPLICA, "m", "rev") == FREED_BYTES
    assert case.calls.leaving(REPLICA, "m", "rev") == FREED_BYTES
    case.hold()
    assert case.calls.unload(REPLICA, "m", "rev") is None
    assert case.calls.leaving(REPLICA, "m", "rev") is None


def test_replica_reads_its_pins_and_the_autoscaler_forgets(case: Case) -> None:
    case.calls.read_pins(REPLICA)
    case.calls.forget(SCALER, "m")
    assert case.made() == [("read_pins", "r1", ""), ("forget", "s1", "m")]


@pytest.mark.parametrize(
    ("told", "raised"),
    [
        (NoAnswerError("r1 does not answer"), NoAnswerError),
        (NotFoundError("no such revision", code="revision_not_found"), NotFoundError),
        (ConflictError("it is pinned", code="model_pinned"), ConflictError),
        (InvalidFieldError("model_name", "no engine"), InvalidFieldError),
        (UnavailableError("in use", code="no_room"), UnavailableError),
        (DoesNotFitError("up to 10 MiB would fit"), DoesNotFitError),
        (UpstreamError("the weights are cut", code="model_load_failed"), UpstreamError),
    ],
)
def test_refusal_is_raised_as_it_was_meant(
    case: Case, told: FleetError, raised: type[FleetError]
) -> None:
    case.refuse(told)
    with pytest.raises(raised) as caught:
        case.calls.load(REPLICA, "m", "rev", wait=True)
    assert type(caught.value) is raised
    assert caught.value.code == told.code
