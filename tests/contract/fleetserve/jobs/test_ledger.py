"""Both ledgers keep the promises of JobLedger."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.jobs.ledger.base import (
    LEASE_S,
    Bounds,
    Depth,
    Hold,
    Job,
    JobLedger,
    JobNotFoundError,
    JobState,
    TooManyJobsError,
)
from fleetserve.jobs.ledger.memory import MemoryLedger
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.keys import Keys
from fleetserve.redis_client import make_sync_redis
from tests.redis_server import RedisServer


@dataclass
class Harness:
    """A ledger, and a way to let every lease run out."""

    ledger: JobLedger
    let_leases_end: Callable[[], None]


@pytest.fixture(params=["memory", "redis"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    if request.param == "memory":
        clock = ManualClock(1000.0)
        yield Harness(MemoryLedger(clock), lambda: clock.move(LEASE_S + 1))
        return
    with RedisServer(tmp_path) as server:
        client, keys = make_sync_redis(server.url), Keys("test:registry")

        def end() -> None:
            for key in client.scan_iter(keys.job("*")):
                client.hset(key, "lease_until_ms", 0)

        yield Harness(RedisLedger(client, keys), end)
        client.close()


@pytest.fixture
def ledger(harness: Harness) -> JobLedger:
    return harness.ledger


def job(job_id: str, subject: str = "m", kind: str = "download") -> Job:
    return Job(id=job_id, kind=kind, subject=subject, request=b'{"a":"\xc3\xa4"}')


def asked(job_id: str, principal: str = "user:ada", priority: int = 0) -> Job:
    """A job whose subject is its own."""
    return Job(job_id, "request", job_id, b"{}", principal=principal, priority=priority)


def claimed_ids(ledger: JobLedger, count: int) -> list[str]:
    claimed = [ledger.claim(f"w{number}") for number in range(count)]
    return [found[0].id for found in claimed if found is not None]


def test_inserted_job_is_queued_and_read_back_whole(ledger: JobLedger) -> None:
    stored = ledger.insert(job("a"))
    assert stored == ledger.read("a")
    assert (stored.state, stored.kind, stored.subject) == (JobState.QUEUED, "download", "m")
    assert stored.request == b'{"a":"\xc3\xa4"}'
    assert stored.created_at > 0


def test_unfinished_job_of_the_same_kind_and_subject_wins_over_a_new_one(ledger: JobLedger) -> None:
    ledger.insert(job("a"))
    assert ledger.insert(job("b")).id == "a"
    with pytest.raises(JobNotFoundError):
        ledger.read("b")
    assert ledger.insert(job("c", subject="other")).id == "c"
    assert ledger.insert(job("d", kind="delete")).id == "d"


def test_finished_job_does_not_stand_in_the_way_of_a_new_one(ledger: JobLedger) -> None:
    ledger.insert(job("a"))
    claimed = ledger.claim("w")
    assert claimed is not None
    assert ledger.settle(claimed[1], JobState.FAILED, b"{}")
    assert ledger.insert(job("b")).id == "b"


def test_unknown_job_is_not_found(ledger: JobLedger) -> None:
    with pytest.raises(JobNotFoundError, match="nowhere"):
        ledger.read("nowhere")
    with pytest.raises(JobNotFoundError):
        ledger.cancel("nowhere")


def test_claim_gives_the_oldest_job_once(ledger: JobLedger) -> None:
    ledger.insert(job("a", subject="x"))
    ledger.insert(job("b", subject="y"))
    first, second = ledger.claim("w1"), ledger.claim("w2")
    assert first is not None
    assert second is not None
    assert (first[0].id, second[0].id) == ("a", "b")
    assert (first[0].state, first[0].owner, first[1].fence) == (JobState.RUNNING, "w1", 1)
    assert ledger.claim("w3") is None


def test_nothing_is_claimed_from_an_empty_ledger(ledger: JobLedger) -> None:
    assert ledger.claim("w") is None


def test_subject_is_worked_on_by_one_owner_at_a_time(ledger: JobLedger) -> None:
    ledger.insert(job("a"))
    ledger.insert(job("b", kind="delete"))
    claimed = ledger.claim("w1")
    assert claimed is not None
    assert ledger.claim("w2") is None
    ledger.settle(claimed[1], JobState.SUCCEEDED, b"")
    following = ledger.claim("w2")
    assert following is not None
    assert following[0].id == "b"


def test_lease_that_ran_out_is_up_for_another_owner_with_a_higher_fence(harness: Harness) -> None:
    ledger = harness.ledger
    ledger.insert(job("a"))
    first = ledger.claim("w1")
    assert first is not None
    harness.let_leases_end()
    second = ledger.claim("w2")
    assert second is not None
    assert (second[0].id, second[1].fence) == ("a", 2)


def test_report_renews_and_records_progress(harness: Harness) -> None:
    ledger = harness.ledger
    ledger.insert(job("a"))
    claimed = ledger.claim("w1")
    assert claimed is not None
    harness.let_leases_end()
    assert ledger.report(claimed[1], b'{"n":1}') is Hold.HELD
    assert ledger.read("a").progress == b'{"n":1}'
    assert ledger.claim("w2") is None


def test_old_owner_changes_nothing_after_another_took_over(harness: Harness) -> None:
    ledger = harness.ledger
    ledger.insert(job("a"))
    first = ledger.claim("w1")
    harness.let_leases_end()
    second = ledger.claim("w2")
    assert first is not None
    assert second is not None
    assert ledger.report(first[1], b"old") is Hold.LOST
    assert not ledger.settle(first[1], JobState.SUCCEEDED, b"old")
    assert ledger.read("a").progress == b""
    assert ledger.settle(second[1], JobState.SUCCEEDED, b"new")
    assert ledger.read("a").result == b"new"


def test_result_commits_once(ledger: JobLedger) -> None:
    ledger.insert(job("a"))
    claimed = ledger.claim("w")
    assert claimed is not None
    assert ledger.settle(claimed[1], JobState.SUCCEEDED, b"first")
    assert not ledger.settle(claimed[1], JobState.FAILED, b"second")
    assert ledger.read("a").result == b"first"
    assert ledger.report(claimed[1], b"late") is Hold.LOST


def test_job_that_is_let_go_of_is_up_at_once_with_its_progress(ledger: JobLedger) -> None:
    ledger.insert(job("a"))
    claimed = ledger.claim("w1")
    assert claimed is not None
    ledger.report(claimed[1], b"half")
    assert ledger.settle(claimed[1], JobState.QUEUED, b"")
    again = ledger.claim("w2")
    assert again is not None
    assert (again[0].id, again[0].progress, again[1].fence) == ("a", b"half", 2)


def test_owner_that_was_restarted_takes_up_its_own_jobs_at_once(ledger: JobLedger) -> None:
    ledger.insert(job("a", subject="x"))
    ledger.insert(job("b", subject="y"))
    ledger.claim("w1")
    ledger.claim("w2")
    assert ledger.claim("w1") is None
    again = ledger.claim("w1", restarted=True)
    assert again is not None
    assert (again[0].id, again[1].fence) == ("a", 2)


def test_cancelled_job_is_not_claimed(ledger: JobLedger) -> None:
    ledger.insert(job("a"))
    assert ledger.cancel("a").state is JobState.CANCELLED
    assert ledger.claim("w") is None


def test_owner_of_a_cancelled_job_learns_it_and_holds_the_subject_till_it_lets_go(
    ledger: JobLedger,
) -> None:
    ledger.insert(job("a"))
    claimed = ledger.claim("w1")
    assert claimed is not None
    ledger.cancel("a")
    ledger.insert(job("b", kind="delete"))
    assert ledger.claim("w2") is None
    assert ledger.report(claimed[1], b"") is Hold.CANCELLED
    assert not ledger.settle(claimed[1], JobState.SUCCEEDED, b"done")
    following = ledger.claim("w2")
    assert following is not None
    assert following[0].id == "b"
    assert ledger.read("a").state is JobState.CANCELLED


def test_cancelling_a_finished_job_leaves_it_as_it_is(ledger: JobLedger) -> None:
    ledger.insert(job("a"))
    claimed = ledger.claim("w")
    assert claimed is not None
    ledger.settle(claimed[1], JobState.SUCCEEDED, b"r")
    assert ledger.cancel("a").state is JobState.SUCCEEDED


def test_job_of_the_same_id_wins_even_when_it_is_finished(ledger: JobLedger) -> None:
    ledger.insert(asked("a"))
    claimed = ledger.claim("w")
    assert claimed is not None
    ledger.settle(claimed[1], JobState.SUCCEEDED, b"r")
    again = ledger.insert(asked("a", principal="user:eve"))
    assert (again.state, again.result, again.principal) == (JobState.SUCCEEDED, b"r", "user:ada")


def test_higher_priority_goes_first(ledger: JobLedger) -> None:
    ledger.insert(asked("a"))
    ledger.insert(asked("b", priority=3))
    ledger.insert(asked("c", priority=3))
    assert claimed_ids(ledger, 3) == ["b", "c", "a"]


def test_nobody_waits_for_all_the_jobs_of_another(ledger: JobLedger) -> None:
    for job_id in ("a", "b", "c"):
        ledger.insert(asked(job_id, "user:ada"))
    ledger.insert(asked("d", "user:bob"))
    assert claimed_ids(ledger, 4) == ["a", "d", "b", "c"]


def test_beyond_the_bounds_nothing_is_recorded(ledger: JobLedger) -> None:
    bounds = Bounds(in_all=3, of_one=2)
    for job_id in ("a", "b"):
        ledger.insert(asked(job_id, "user:ada"), bounds)
    with pytest.raises(TooManyJobsError):
        ledger.insert(asked("c", "user:ada"), bounds)
    ledger.insert(asked("d", "user:bob"), bounds)
    with pytest.raises(TooManyJobsError):
        ledger.insert(asked("e", "user:eve"), bounds)
    with pytest.raises(JobNotFoundError):
        ledger.read("e")
    assert ledger.insert(asked("a", "user:ada"), bounds).id == "a"


def test_finished_jobs_are_not_within_the_bounds(ledger: JobLedger) -> None:
    ledger.insert(asked("a"))
    ledger.cancel("a")
    assert ledger.insert(asked("b"), Bounds(1, 1)).id == "b"


def test_depth_counts_what_waits_and_what_is_held(harness: Harness) -> None:
    ledger = harness.ledger
    for job_id in ("a", "b", "c"):
        ledger.insert(asked(job_id))
    claimed = ledger.claim("w")
    assert claimed is not None
    assert ledger.depth() == Depth(queued=2, running=1)
    harness.let_leases_end()
    assert ledger.depth() == Depth(queued=3, running=0)
    ledger.cancel("b")
    assert ledger.depth() == Depth(queued=2, running=0)


def test_start_is_when_it_was_claimed_first(harness: Harness) -> None:
    ledger = harness.ledger
    assert ledger.insert(asked("a")).started_at == 0
    first = ledger.claim("w1")
    harness.let_leases_end()
    second = ledger.claim("w2")
    assert first is not None
    assert second is not None
    assert second[0].started_at == first[0].started_at >= first[0].created_at > 0
