import pytest

from autoscaler_svc.bounds import Room
from autoscaler_svc.fleet.memory import MemoryFleet
from autoscaler_svc.intents.memory import MemoryIntents
from autoscaler_svc.journal.memory import MemoryJournal
from autoscaler_svc.lease.memory import Desk, MemoryLease
from autoscaler_svc.machine.memory import MemoryMachine
from autoscaler_svc.orchestrator.memory import MemoryOrchestrator
from autoscaler_svc.ports import Ports
from autoscaler_svc.replica_calls.memory import MemoryReplicaCalls
from autoscaler_svc.room_watch import MEMORY_EVERY_S, RoomWatch
from autoscaler_svc.service_scaler import DEFAULT_REPLICA_MB
from fleetserve.clock import ManualClock
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, member, told

ROOM = Room(cores=8, free_mb=4000.0, gpus=2)


class Bench:
    def __init__(self) -> None:
        self.clock, self.fleet = ManualClock(1000.0), MemoryFleet()
        self.machine = MemoryMachine(ROOM)
        ports = Ports(
            self.fleet,
            MemoryOrchestrator([INFERENCE]),
            MemoryIntents(),
            MemoryJournal(),
            MemoryLease(Desk(), "a1", 6.0, self.clock),
            self.machine,
            MemoryReplicaCalls(),
        )
        self.watch = RoomWatch(ports, self.clock)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_gpus_count_only_where_replicas_compute_on_them(bench: Bench) -> None:
    await bench.watch.look([member("a")], [])
    assert bench.watch.room.gpus == 0
    await bench.watch.look([member("a", device="cuda:0")], [told("g", service="gpu-svc")])
    assert bench.watch.room == ROOM


async def test_memory_of_a_replica_is_what_the_largest_takes(bench: Bench) -> None:
    assert bench.watch.replica_mb(INFERENCE) == DEFAULT_REPLICA_MB
    bench.fleet.memory[INFERENCE] = 420.0
    await bench.watch.look([member("a")], [])
    assert bench.watch.replica_mb(INFERENCE) == 420.0


async def test_memory_is_asked_for_now_and_then(bench: Bench) -> None:
    bench.fleet.memory[INFERENCE] = 420.0
    await bench.watch.look([member("a")], [])
    bench.fleet.memory[INFERENCE] = 500.0
    await bench.watch.look([member("a")], [])
    assert bench.watch.replica_mb(INFERENCE) == 420.0
    await bench.clock.advance(MEMORY_EVERY_S)
    await bench.watch.look([member("a")], [])
    assert bench.watch.replica_mb(INFERENCE) == 500.0


async def test_memory_that_nobody_tells_is_guessed(bench: Bench) -> None:
    await bench.watch.look([member("a")], [])
    assert bench.watch.replica_mb(INFERENCE) == DEFAULT_REPLICA_MB
    bench.fleet.away = "away"
    await bench.clock.advance(MEMORY_EVERY_S)
    await bench.watch.look([member("a")], [])
    assert bench.watch.replica_mb(INFERENCE) == DEFAULT_REPLICA_MB
