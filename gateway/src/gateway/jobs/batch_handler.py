"""The handler of batches: each line its own request, the results in the lines' order."""

import asyncio
import io
import shutil
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from fleetserve.errors import BadRequestError, FleetError
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.runner import JobFailedError
from gateway.jobs.batch_lines import (
    Written,
    body_of,
    error_line,
    inputs,
    result_line,
    whole_lines,
)
from gateway.jobs.fleet_link import FleetLink
from gateway.jobs.job_files import BodyGoneError, JobFiles, room_on_disk
from gateway.jobs.replay import Call, Replayer
from gateway.jobs.work import JSON, JSON_LINES, Outcome, Progress, Work, failure, read_work
from gateway.jobs.work_loop import WorkLoop


class BatchHandler:
    """See fleetserve.jobs.runner.Handler.

    At most ``window`` lines are in memory at one time. A worker that takes over goes on behind
    the last line that the one before it wrote.
    """

    def __init__(
        self,
        loop: WorkLoop,
        link: FleetLink,
        replayer: Replayer,
        files: JobFiles,
        *,
        window: int,
    ) -> None:
        self._loop = loop
        self._link = link
        self._replayer = replayer
        self._files = files
        self._window = window

    def run(self, job: LeasedJob) -> bytes:
        work, fence = read_work(job.job), job.lease.fence
        try:
            with room_on_disk():
                path, written = self._take_over(work, fence)
                failed = self._loop.call(job, lambda: self._send_all(job, work, path, written))
        except FleetError as exc:
            raise JobFailedError(failure(exc, job.job.id)) from exc
        outcome = Outcome(200, path.name, JSON_LINES, path.stat().st_size, written.failed + failed)
        return msgspec.json.encode(outcome)

    def _take_over(self, work: Work, fence: int) -> tuple[Path, Written]:
        """Copies what an earlier claim has finished: its file may still be written to."""
        if not self._files.body(work.folder).exists():
            raise BodyGoneError
        path = self._files.new_result(work.folder, fence)
        earlier = self._files.earlier_result(work.folder, fence)
        if earlier is None:
            return path, Written()
        shutil.copyfile(earlier, path)
        with path.open("r+b") as file:
            written = whole_lines(file)
            file.truncate(written.bytes)
        return path, written

    async def _send_all(self, job: LeasedJob, work: Work, path: Path, written: Written) -> int:
        """How many lines failed here."""
        done = written.lines

        def note() -> None:
            nonlocal done
            done += 1
            report = msgspec.json.encode(Progress(done))
            job.reporter = lambda: report

        async with self._link.used():
            # Unbuffered: a kill loses no line that was written.
            body = self._files.body(work.folder)
            with body.open("rb") as source, path.open("ab", buffering=0) as target:
                lines = _Lines(self._replayer, job, work)
                return await self._in_order(lines, source, target, written.lines, note)

    async def _in_order(
        self,
        lines: "_Lines",
        source: BinaryIO,
        target: io.FileIO,
        skip: int,
        note: Callable[[], None],
    ) -> int:
        ahead: deque[asyncio.Task[tuple[bytes, bool]]] = deque()
        failed = 0

        async def write_first() -> None:
            nonlocal failed
            line, has_failed = await ahead[0]
            ahead.popleft()
            target.write(line)
            failed += has_failed
            note()

        try:
            for index, line in enumerate(islice(inputs(source), skip, None), skip):
                if len(ahead) >= self._window:
                    await write_first()
                ahead.append(asyncio.create_task(lines.send(index, line)))
            while ahead:
                await write_first()
        finally:
            for task in ahead:
                task.cancel()
        return failed


class _Lines:
    """Sends the lines of one batch."""

    def __init__(self, replayer: Replayer, job: LeasedJob, work: Work) -> None:
        self._replayer = replayer
        self._job = job.job
        self._work = work

    async def send(self, index: int, line: bytes) -> tuple[bytes, bool]:
        """The line of the result, and whether it is a failure's."""
        try:
            body = body_of(self._work, line)
        except BadRequestError as exc:
            return error_line(index, exc), True
        call = Call(
            self._work.route,
            "",
            [("content-type", JSON)],
            f"{self._job.id}:{index}",
            self._job.principal,
            body,
        )
        out = io.BytesIO()
        answered = await self._replayer.replay(call, out)
        return result_line(index, answered.status, out.getvalue())
