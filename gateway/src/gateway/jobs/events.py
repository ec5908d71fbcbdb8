"""Following a job to its end, from where the follower was."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from fleetserve.clock import Clock
from fleetserve.jobs.ledger.base import JobNotFoundError, LedgerUnavailableError
from gateway.jobs.desk import JobDesk, Viewer
from gateway.jobs.view import event_id, view_of

LOOK_EVERY_S = 0.25


async def follow(
    desk: JobDesk,
    viewer: Viewer,
    job_id: str,
    last_id: str,
    clock: Clock,
    stopping: Callable[[], bool],
) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    """Id, name and data of each change; a while without Redis is a while without changes.

    Args:
        desk: Where it is looked at.
        viewer: Who looks.
        job_id: Which job.
        last_id: The id of the last change that the follower has seen; "": none.
        clock: Between two looks.
        stopping: This process ends, and the follower has to come again.
    """
    while not stopping():
        try:
            job = await asyncio.to_thread(desk.read, viewer, job_id)
        except JobNotFoundError:
            return
        except LedgerUnavailableError:
            await clock.sleep(LOOK_EVERY_S)
            continue
        if event_id(job) != last_id:
            last_id = event_id(job)
            yield last_id, job.state.value if job.state.finished else "progress", view_of(job)
        if job.state.finished:
            return
        await clock.sleep(LOOK_EVERY_S)
