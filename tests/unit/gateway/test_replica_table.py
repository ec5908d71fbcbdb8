import asyncio

import pytest

from fleetserve.announcements import ReplicaState
from fleetserve.clock import ManualClock
from gateway.replica_table import FORGET_S, STALE_S, SUSPECT_S, Replica, ReplicaTable
from tests.unit.gateway.fleet import announced

SERVICE = "inference-svc"


class Waiter:
    """Counts how often it was woken by a change of the table."""

    def __init__(self, table: ReplicaTable) -> None:
        self._table = table
        self.woken = 0
        self._task = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        while True:
            await self._table.next_change().wait()
            self.woken += 1

    async def settle(self) -> int:
        for _ in range(5):
            await asyncio.sleep(0)
        return self.woken

    def end(self) -> None:
        self._task.cancel()


def only(table: ReplicaTable) -> Replica:
    (replica,) = table.all()
    return replica


def test_announced_replica_is_ready(table: ReplicaTable) -> None:
    table.update(announced("i1"))
    assert [r.id for r in table.ready(SERVICE)] == ["i1"]
    assert only(table).address == "http://i1"


@pytest.mark.parametrize("state", [ReplicaState.STARTING, ReplicaState.DRAINING])
def test_replica_that_takes_no_requests_is_known_but_not_ready(
    table: ReplicaTable, state: ReplicaState
) -> None:
    table.update(announced("i1", state=state))
    assert table.ready(SERVICE) == []
    assert len(table.all(SERVICE)) == 1


def test_replica_not_heard_for_long_is_not_ready_and_later_forgotten(
    table: ReplicaTable, clock: ManualClock
) -> None:
    table.update(announced("i1"))
    clock.move(STALE_S - 0.01)
    assert len(table.ready(SERVICE)) == 1
    clock.move(0.01)
    assert table.ready(SERVICE) == []
    assert len(table.all()) == 1
    clock.move(FORGET_S)
    assert table.all() == []
    assert table.services() == []


def test_word_of_a_lost_replica_brings_it_back(table: ReplicaTable, clock: ManualClock) -> None:
    table.update(announced("i1"))
    clock.move(STALE_S)
    table.update(announced("i1"))
    assert len(table.ready(SERVICE)) == 1


def test_gone_forgets_the_process_that_said_so_and_no_newer_one(table: ReplicaTable) -> None:
    table.update(announced("i1", boot_id="new"))
    table.update(announced("i1", boot_id="old", state=ReplicaState.GONE))
    assert len(table.ready(SERVICE)) == 1
    table.update(announced("i1", boot_id="new", state=ReplicaState.GONE))
    assert table.all() == []


def test_replicas_that_came_and_went_are_forgotten_without_being_asked_for(
    table: ReplicaTable, clock: ManualClock
) -> None:
    for number in range(5):
        table.update(announced(f"i{number}"))
    clock.move(FORGET_S + 1)
    table.update(announced("new"))
    assert list(table._services[SERVICE]) == ["new"]


class TestLoad:
    def test_is_what_this_gateway_sent_and_what_others_did(self, table: ReplicaTable) -> None:
        table.update(announced("i1", in_flight=5))
        replica = only(table)
        replica.own = 3
        table.update(announced("i1", in_flight=5))
        assert (replica.own, replica.others, replica.load) == (3, 2, 5)

    def test_count_of_an_answer_is_without_the_answered_request(self, table: ReplicaTable) -> None:
        table.update(announced("i1"))
        replica = only(table)
        replica.own = 3
        replica.answered(in_flight=2)
        assert replica.others == 0
        replica.answered(in_flight=6)
        assert replica.others == 4

    def test_count_older_than_our_own_is_not_below_nothing(self, table: ReplicaTable) -> None:
        table.update(announced("i1"))
        replica = only(table)
        replica.own = 10
        replica.answered(in_flight=0)
        assert replica.load == 10

    def test_own_requests_outlive_a_restart_until_they_fail(self, table: ReplicaTable) -> None:
        table.update(announced("i1", boot_id="b1"))
        replica = only(table)
        replica.own = 2
        table.update(announced("i1", boot_id="b2"))
        assert only(table) is replica
        assert replica.own == 2


class TestSuspicion:
    def test_ends_by_itself(self, table: ReplicaTable, clock: ManualClock) -> None:
        table.update(announced("i1"))
        replica = only(table)
        table.suspect(replica)
        assert replica.suspect_until_s == clock.monotonic_s() + SUSPECT_S

    def test_is_news_once(self, table: ReplicaTable, clock: ManualClock) -> None:
        table.update(announced("i1"))
        replica = only(table)
        assert table.suspect(replica)
        assert not table.suspect(replica)
        clock.move(SUSPECT_S)
        assert table.suspect(replica)

    def test_of_a_long_time_is_not_shortened(self, table: ReplicaTable, clock: ManualClock) -> None:
        table.update(announced("i1"))
        replica = only(table)
        table.suspect(replica, 5.0)
        table.suspect(replica)
        assert replica.suspect_until_s == clock.monotonic_s() + 5.0

    def test_ends_with_an_answer(self, table: ReplicaTable) -> None:
        table.update(announced("i1"))
        replica = only(table)
        table.suspect(replica)
        replica.answered(0)
        assert replica.suspect_until_s == 0.0

    def test_ends_with_a_new_process_and_no_other_word(self, table: ReplicaTable) -> None:
        table.update(announced("i1", boot_id="b1"))
        replica = only(table)
        table.suspect(replica)
        table.update(announced("i1", boot_id="b1"))
        assert replica.suspect_until_s > 0.0
        table.update(announced("i1", boot_id="b2"))
        assert replica.suspect_until_s == 0.0


class TestFrozen:
    def test_age_does_not_count(self, table: ReplicaTable, clock: ManualClock) -> None:
        table.update(announced("i1"))
        clock.move(STALE_S - 0.1)
        table.freeze()
        clock.move(1000.0)
        assert len(table.ready(SERVICE)) == 1
        assert len(table.all()) == 1

    def test_who_was_silent_before_is_not_brought_back(
        self, table: ReplicaTable, clock: ManualClock
    ) -> None:
        table.update(announced("dead"))
        clock.move(STALE_S)
        table.update(announced("alive"))
        clock.move(2.0)
        table.freeze()
        assert [r.id for r in table.ready(SERVICE)] == ["alive"]

    def test_word_of_a_probe_brings_a_silent_one_back(
        self, table: ReplicaTable, clock: ManualClock
    ) -> None:
        table.update(announced("i1"))
        clock.move(STALE_S)
        table.update(announced("i2"))
        table.freeze()
        table.update(announced("i1"))
        assert len(table.ready(SERVICE)) == 2

    def test_grace_lets_everybody_speak_before_age_counts_again(
        self, table: ReplicaTable, clock: ManualClock
    ) -> None:
        table.update(announced("i1"))
        table.update(announced("i2"))
        table.freeze()
        clock.move(60.0)
        table.thaw(5.0)
        table.update(announced("i1"))
        clock.move(4.9)
        assert [r.id for r in table.ready(SERVICE)] == ["i1", "i2"]
        table.update(announced("i1"))
        clock.move(0.1)
        assert [r.id for r in table.ready(SERVICE)] == ["i1"]

    def test_thaw_of_what_was_not_frozen_gives_no_grace(
        self, table: ReplicaTable, clock: ManualClock
    ) -> None:
        table.update(announced("i1"))
        table.thaw(5.0)
        clock.move(STALE_S)
        assert table.ready(SERVICE) == []


class TestWaiters:
    async def test_sign_of_life_wakes_nobody(self, table: ReplicaTable, clock: ManualClock) -> None:
        table.update(announced("i1"))
        waiter = Waiter(table)
        for in_flight in range(3):
            await clock.advance(1.0)
            table.update(announced("i1", in_flight=in_flight))
        assert await waiter.settle() == 0
        waiter.end()

    async def test_every_change_that_matters_wakes_them(
        self, table: ReplicaTable, clock: ManualClock
    ) -> None:
        waiter = Waiter(table)
        changes = [
            announced("i1", state=ReplicaState.STARTING),
            announced("i1", models=()),
            announced("i1", models=(), loading=("m",)),
            announced("i1", models=("m",)),
            announced("i1", models=("m",), boot_id="b2"),
            announced("i1", state=ReplicaState.GONE, boot_id="b2"),
        ]
        for number, change in enumerate(changes, 1):
            await waiter.settle()
            table.update(change)
            assert await waiter.settle() == number
        waiter.end()

    async def test_word_of_a_lost_replica_wakes_them(
        self, table: ReplicaTable, clock: ManualClock
    ) -> None:
        table.update(announced("i1"))
        await clock.advance(STALE_S)
        waiter = Waiter(table)
        await waiter.settle()
        table.update(announced("i1"))
        assert await waiter.settle() == 1
        waiter.end()

    async def test_freezing_wakes_them_once(self, table: ReplicaTable) -> None:
        waiter = Waiter(table)
        await waiter.settle()
        table.freeze()
        table.freeze()
        assert await waiter.settle() == 1
        waiter.end()
