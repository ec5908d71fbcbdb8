import pytest

from autoscaler_svc.bounds import Room
from autoscaler_svc.fleet.memory import MemoryFleet
from autoscaler_svc.intents.base import Floor
from autoscaler_svc.intents.memory import MemoryIntents
from autoscaler_svc.journal.memory import MemoryJournal
from autoscaler_svc.lease.memory import Desk, MemoryLease
from autoscaler_svc.machine.memory import MemoryMachine
from autoscaler_svc.observer import (
    INTENTS_EVERY_S,
    LEASE_TTL_S,
    RECORDS_EVERY_S,
    SETTLE_S,
    UNITS_EVERY_S,
    Observer,
)
from autoscaler_svc.orchestrator.memory import MemoryOrchestrator
from autoscaler_svc.ports import Ports
from autoscaler_svc.replica_calls.memory import MemoryReplicaCalls
from fleetserve.clock import ManualClock
from fleetserve.config import AutoscalerConfig
from fleetserve.errors import UnavailableError
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, demand, record, told

ME = "a1"


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock(1000.0)
        self.fleet, self.intents, self.desk = MemoryFleet(), MemoryIntents(), Desk()
        self.orchestrator = MemoryOrchestrator([INFERENCE])
        self.fleet.announce(told(ME, service="autoscaler-svc"))
        ports = Ports(
            self.fleet,
            self.orchestrator,
            self.intents,
            MemoryJournal(),
            MemoryLease(self.desk, ME, LEASE_TTL_S, self.clock),
            MemoryMachine(Room(1, -1, 0)),
            MemoryReplicaCalls(),
        )
        self.observer = Observer(ports, self.clock, me=ME, base=AutoscalerConfig())


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_everything_is_seen_at_the_first_look(bench: Bench) -> None:
    bench.orchestrator.add_base(INFERENCE)
    bench.fleet.records["m"] = record("m")
    await bench.intents.put_floor(Floor("m", INFERENCE, 1, 0.0, "s1"))
    seen = await bench.observer.look()
    assert len(seen.units) == 1
    assert set(seen.records) == {"m", "tiny_stt", "tiny_tts"}
    assert set(seen.floors) == {"m"}
    assert (seen.leader, seen.leads, seen.engine_away) == (ME, True, "")


async def test_nobody_is_missed_before_everybody_could_be_heard(bench: Bench) -> None:
    assert not (await bench.observer.look()).settled
    await bench.clock.advance(SETTLE_S)
    assert (await bench.observer.look()).settled


async def test_own_voice_missing_unsettles(bench: Bench) -> None:
    await bench.observer.look()
    await bench.clock.advance(SETTLE_S)
    mine = bench.fleet.announcements.pop(ME)
    assert not (await bench.observer.look()).settled
    bench.fleet.announce(mine)
    assert not (await bench.observer.look()).settled
    await bench.clock.advance(SETTLE_S)
    assert (await bench.observer.look()).settled


async def test_fleet_that_is_not_heard_is_unavailable_and_unsettles(bench: Bench) -> None:
    await bench.observer.look()
    await bench.clock.advance(SETTLE_S)
    bench.fleet.away = "Redis is away"
    with pytest.raises(UnavailableError):
        await bench.observer.look()
    bench.fleet.away = ""
    assert not (await bench.observer.look()).settled


async def test_engine_is_asked_rarely_unless_something_moves(bench: Bench) -> None:
    await bench.observer.look()
    bench.orchestrator.add_base(INFERENCE)
    assert (await bench.observer.look()).units == ()
    bench.observer.ask_engine_soon()
    assert len((await bench.observer.look()).units) == 1
    bench.orchestrator.add_base(INFERENCE)
    await bench.clock.advance(UNITS_EVERY_S)
    seen = await bench.observer.look()
    assert len(seen.units) == 2
    assert seen.units_since_s == bench.clock.monotonic_s()


async def test_engine_that_is_away_leaves_what_was_known(bench: Bench) -> None:
    bench.orchestrator.add_base(INFERENCE)
    await bench.observer.look()
    bench.orchestrator.away = "no engine"
    bench.observer.ask_engine_soon()
    seen = await bench.observer.look()
    assert (seen.engine_away, len(seen.units)) == ("no engine", 1)
    bench.orchestrator.away = ""
    assert (await bench.observer.look()).engine_away == ""


async def test_what_is_asked_for_is_read_now_and_then_or_when_told(bench: Bench) -> None:
    await bench.observer.look()
    await bench.intents.put_overrides({"max_replicas": 7})
    assert (await bench.observer.look()).config.max_replicas == 0
    bench.observer.ask_intents_soon()
    assert (await bench.observer.look()).config.max_replicas == 7
    await bench.intents.put_overrides({"max_replicas": 8})
    await bench.clock.advance(INTENTS_EVERY_S)
    assert (await bench.observer.look()).config.max_replicas == 8


async def test_overrides_that_do_not_fit_any_more_are_passed_over(bench: Bench) -> None:
    await bench.intents.put_overrides({"gone_key": 7})
    assert (await bench.observer.look()).config == AutoscalerConfig()


async def test_unknown_model_in_demand_asks_for_the_records_once(bench: Bench) -> None:
    await bench.observer.look()
    bench.fleet.records["m"] = record("m")
    bench.fleet.tell(demand(("m", 1.0, 1), ("example", 1.0, 0)))
    assert "m" in (await bench.observer.look()).records
    bench.fleet.records["n"] = record("n")
    assert "n" not in (await bench.observer.look()).records
    await bench.clock.advance(RECORDS_EVERY_S)
    assert "n" in (await bench.observer.look()).records


async def test_lease_that_was_not_renewed_leads_no_more(bench: Bench) -> None:
    assert (await bench.observer.look()).leads
    assert bench.observer.leads_now()
    await bench.clock.advance(LEASE_TTL_S - 1.0)
    assert not bench.observer.leads_now()
    bench.desk.owner, bench.desk.until_s = "another", 1e9
    seen = await bench.observer.look()
    assert (seen.leader, seen.leads) == ("another", False)


async def test_leadership_can_be_given_up(bench: Bench) -> None:
    await bench.observer.look()
    await bench.observer.release()
    assert bench.desk.owner == ""
    assert not bench.observer.leads_now()
