"""What handlers work with, without threads and without a fleet."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, BinaryIO, TypeVar

from fleetserve.clock import SystemClock
from fleetserve.jobs.leased_job import LeasedJob
from gateway.jobs.fleet_link import FleetLink
from gateway.jobs.replay import Answered, Call, Replayer
from gateway.jobs.work_loop import WorkLoop

T = TypeVar("T")


class LoopHere(WorkLoop):
    """Runs each coroutine to its end in the caller's own thread."""

    def __init__(self) -> None:
        pass

    def call(self, job: LeasedJob, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run(make())


class HeardTeller:
    away_reason = ""

    async def run(self) -> None:
        await asyncio.Event().wait()


class ScriptedReplayer(Replayer):
    """Answers as the test says; an answer that is an exception is raised."""

    def __init__(self, answer: Callable[[Call], tuple[int, bytes] | Exception]) -> None:
        self._answer = answer
        self.calls: list[Call] = []

    async def replay(self, call: Call, out: BinaryIO) -> Answered:
        self.calls.append(call)
        # Later ones are done first, so that order has to be kept by whoever writes.
        for _ in range(3 - len(self.calls) % 3):
            await asyncio.sleep(0)
        found = self._answer(call)
        if isinstance(found, Exception):
            raise found
        out.write(found[1])
        return Answered(found[0], "application/json")


def heard_link() -> FleetLink:
    return FleetLink(HeardTeller, [], SystemClock(), linger_s=0.0)
