import asyncio

import pytest

from fleetserve.announcements import ReplicaState, encode_announcement
from gateway.prober import PERIOD_S, SUSPECT_S, TIMEOUT_S, Prober
from gateway.replica_table import STALE_S
from gateway.upstream.memory import Behaviour
from tests.unit.gateway.fleet import Fleet, announced, answering, failing


@pytest.fixture
def prober(fleet: Fleet) -> Prober:
    return Prober(fleet.table, fleet.calls, fleet.clock)


def saying(**words: object) -> Behaviour:
    """A replica whose status is this announcement."""
    return answering(encode_announcement(announced(**words)))  # type: ignore[arg-type]


async def test_only_a_frozen_table_is_probed(prober: Prober, fleet: Fleet) -> None:
    fleet.add(saying())
    running = asyncio.ensure_future(prober.run())
    await fleet.go_on(3.0)
    assert fleet.upstream.sent == []
    fleet.table.freeze()
    await fleet.clock.advance(PERIOD_S)
    assert [r.target for r in fleet.upstream.sent] == ["/internal/status"]
    running.cancel()


async def test_what_a_replica_says_is_taken_as_its_announcement(
    prober: Prober, fleet: Fleet
) -> None:
    fleet.add(saying(state=ReplicaState.DRAINING, in_flight=4))
    fleet.table.freeze()
    await prober.probe_all()
    (replica,) = fleet.table.all()
    assert replica.announced.state is ReplicaState.DRAINING
    assert replica.load == 4


async def test_replica_that_answers_stays_fresh_for_when_redis_is_back(
    prober: Prober, fleet: Fleet
) -> None:
    fleet.add(saying())
    fleet.table.freeze()
    await fleet.clock.advance(60.0)
    await prober.probe_all()
    fleet.table.thaw(0.0)
    await fleet.clock.advance(STALE_S - 0.1)
    assert len(fleet.table.ready("inference-svc")) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        failing(sent=False),
        failing(sent=True),
        answering(status=401),
        answering(b"not json"),
        answering(b"\xff\xfe"),
        answering(b'{"service":3}'),
    ],
    ids=["refuses", "resets", "not allowed", "no json", "no text", "no announcement"],
)
async def test_replica_that_does_not_say_how_it_is_becomes_last_choice_and_stays_so(
    prober: Prober, fleet: Fleet, behaviour: Behaviour
) -> None:
    fleet.add(behaviour, announced("bad"))
    fleet.add(saying(replica_id="good"), announced("good"))
    fleet.table.freeze()
    running = asyncio.ensure_future(prober.run())
    await fleet.clock.advance(PERIOD_S)
    for _ in range(10):
        await fleet.clock.advance(0.5)
        suspects = [r.id for r in fleet.table.all() if r.suspect_until_s > fleet.clock.now_s()]
        assert suspects == ["bad"]
    running.cancel()


def test_suspicion_outlasts_the_time_to_the_end_of_the_next_probe() -> None:
    assert SUSPECT_S > PERIOD_S + TIMEOUT_S


async def test_services_without_a_status_are_not_asked(prober: Prober, fleet: Fleet) -> None:
    for service in ("gateway", "model-registry-svc", "stranger"):
        fleet.add(answering(), announced(f"{service}-1", service=service))
    await prober.probe_all()
    assert fleet.upstream.sent == []


async def test_fault_of_one_does_not_end_the_probing(prober: Prober, fleet: Fleet) -> None:
    fleet.add(failing(sent=False))
    fleet.table.freeze()
    running = asyncio.ensure_future(prober.run())
    await fleet.clock.advance(3.5 * PERIOD_S)
    assert len(fleet.upstream.sent) == 3
    assert not running.done()
    running.cancel()
