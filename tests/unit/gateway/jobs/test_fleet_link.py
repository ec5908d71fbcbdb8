import asyncio

import pytest

from fleetserve.clock import SystemClock
from gateway.jobs.fleet_link import FleetLink


class Teller:
    """A directory that has heard of the fleet when the test says so."""

    def __init__(self) -> None:
        self.away_reason = "not heard yet"
        self.runs = asyncio.Event()
        self.ended = asyncio.Event()

    async def run(self) -> None:
        self.runs.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


class Opened:
    """Hands out each directory that is opened."""

    def __init__(self) -> None:
        self.count = 0
        self._tellers: asyncio.Queue[Teller] = asyncio.Queue()

    def __call__(self) -> Teller:
        teller = Teller()
        self.count += 1
        self._tellers.put_nowait(teller)
        return teller

    async def next(self) -> Teller:
        return await self._tellers.get()


@pytest.fixture
def opened() -> Opened:
    return Opened()


def link(opened: Opened, linger_s: float = 60.0) -> FleetLink:
    return FleetLink(opened, [], SystemClock(), linger_s=linger_s)


async def use(link: FleetLink, entered: asyncio.Event) -> None:
    async with link.used():
        entered.set()


async def test_work_begins_when_the_fleet_has_been_heard_of(opened: Opened) -> None:
    made, entered = link(opened), asyncio.Event()
    user = asyncio.create_task(use(made, entered))
    async with asyncio.timeout(5):
        teller = await opened.next()
        await teller.runs.wait()
        assert not entered.is_set()
        teller.away_reason = ""
        await user
    await made.close()
    assert teller.ended.is_set()


async def test_link_is_one_for_all_and_stays_for_the_next(opened: Opened) -> None:
    made, entered = link(opened), asyncio.Event()
    users = [asyncio.create_task(use(made, entered)) for _ in range(2)]
    async with asyncio.timeout(5):
        (await opened.next()).away_reason = ""
        await asyncio.gather(*users)
        await use(made, entered)
    assert opened.count == 1
    await made.close()


async def test_without_work_it_is_let_go_of(opened: Opened) -> None:
    made, entered = link(opened, linger_s=0.0), asyncio.Event()
    async with asyncio.timeout(5):
        for _ in range(2):
            user = asyncio.create_task(use(made, entered))
            teller = await opened.next()
            assert made.is_up
            teller.away_reason = ""
            await user
            await teller.ended.wait()
            assert not made.is_up
