import asyncio

import msgspec

from fleetserve.jobs.ledger.base import Job, JobState, LedgerUnavailableError
from gateway.jobs.desk import Viewer
from gateway.jobs.events import LOOK_EVERY_S, follow
from gateway.jobs.view import event_id
from gateway.jobs.work import Progress
from tests.unit.gateway.jobs.conftest import Office

ADA = Viewer("user:ada")


async def told(office: Office, job_id: str, last_id: str = "", *, stop: bool = False) -> list[str]:
    """The names of the events until the end, while the clock goes on."""
    names: list[str] = []

    async def read() -> None:
        events = follow(office.desk, ADA, job_id, last_id, office.clock, lambda: stop)
        async for _, name, _ in events:
            names.append(name)

    reader = asyncio.create_task(read())
    while not reader.done():
        await asyncio.to_thread(lambda: None)
        await office.clock.advance(LOOK_EVERY_S)
    await reader
    return names


async def test_end_is_told_by_its_name(office: Office) -> None:
    job = office.take().job
    office.settle(JobState.FAILED)
    assert await told(office, job.id) == ["failed"]


async def test_what_was_seen_is_not_sent_again(office: Office) -> None:
    job = office.take().job
    office.settle()
    assert await told(office, job.id, event_id(office.ledger.read(job.id))) == []


async def test_each_change_is_told_once(office: Office) -> None:
    job = office.take_lines(b"1\n2\n", 2).job
    leased = office.claim()
    seen: list[tuple[str, float]] = []
    events = follow(office.desk, ADA, job.id, "", office.clock, lambda: False)

    async def following() -> None:
        _, name, data = await anext(events)
        seen.append((name, data["progress"]))

    await following()
    waiting = asyncio.create_task(following())
    for _ in range(5):
        await asyncio.to_thread(lambda: None)
        await office.clock.advance(LOOK_EVERY_S)
    assert not waiting.done()
    office.ledger.report(leased.lease, msgspec.json.encode(Progress(1)))
    while not waiting.done():
        await asyncio.to_thread(lambda: None)
        await office.clock.advance(LOOK_EVERY_S)
    assert seen == [("progress", 0.0), ("progress", 0.5)]
    await events.aclose()  # type: ignore[attr-defined]


async def test_while_redis_is_away_nothing_changes(office: Office) -> None:
    job = office.take().job
    office.settle()
    read, left = office.ledger.read, [True, True]

    def flaky(job_id: str) -> Job:
        if left:
            left.pop()
            raise LedgerUnavailableError("away")
        return read(job_id)

    office.ledger.read = flaky  # type: ignore[method-assign]
    assert await told(office, job.id) == ["succeeded"]


async def test_process_that_ends_lets_its_followers_go(office: Office) -> None:
    job = office.take().job
    assert await told(office, job.id, stop=True) == []


async def test_job_that_ran_out_meanwhile_ends_it(office: Office) -> None:
    assert await told(office, "job-gone") == []
