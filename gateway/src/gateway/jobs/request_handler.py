"""The handler of single requests: replays them, keeps the answer."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import orjson

from fleetserve.errors import FleetError, UpstreamError, error_body
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.runner import JobFailedError
from gateway.jobs.fleet_link import FleetLink
from gateway.jobs.job_files import BodyGoneError, JobFiles, room_on_disk
from gateway.jobs.replay import Answered, Call, Replayer
from gateway.jobs.transcript import EVENTS, LOST, ROUTE, TranscriptReader
from gateway.jobs.work import Outcome, Progress, Work, failure, read_work
from gateway.jobs.work_loop import WorkLoop

ATTEMPTS = 5  # Of a transcription that breaks off in its middle.
# What is kept of an error's body.
MAX_ERROR = 16 * 1024


class RequestHandler:
    """See fleetserve.jobs.runner.Handler."""

    def __init__(
        self, loop: WorkLoop, link: FleetLink, replayer: Replayer, files: JobFiles
    ) -> None:
        self._loop = loop
        self._link = link
        self._replayer = replayer
        self._files = files

    def run(self, job: LeasedJob) -> bytes:
        work = read_work(job.job)
        try:
            with room_on_disk():
                path = self._new_result(work, job.lease.fence)
                answered = self._loop.call(job, lambda: self._replay(job, work, path))
        except FleetError as exc:
            raise JobFailedError(failure(exc, job.job.id)) from exc
        if answered.status >= 400:
            raise JobFailedError(_failed(answered, path.read_bytes()))
        kind, size = answered.content_type, path.stat().st_size
        return msgspec.json.encode(Outcome(answered.status, path.name, kind, size))

    def _new_result(self, work: Work, fence: int) -> Path:
        if not self._files.body(work.folder).exists():
            raise BodyGoneError
        return self._files.new_result(work.folder, fence)

    async def _replay(self, job: LeasedJob, work: Work, path: Path) -> Answered:
        call = Call(
            work.route,
            work.query,
            work.headers,
            job.job.id,
            job.job.principal,
            self._files.body(work.folder),
        )
        async with self._link.used():
            if work.route == ROUTE:
                answered, content = await self._transcribe(job, call)
                await asyncio.to_thread(path.write_bytes, content)
                return answered
            with path.open("wb") as out:
                return await self._replayer.replay(call, out)

    async def _transcribe(self, job: LeasedJob, call: Call) -> tuple[Answered, bytes]:
        """Asks for events, tells of each; one whose replica died begins anew."""

        def note(progress: Progress) -> None:
            report = msgspec.json.encode(progress)
            job.reporter = lambda: report

        headers = [(name, value) for name, value in call.headers if name != "accept"]
        asked = replace(call, headers=[*headers, ("accept", EVENTS)])
        reader = TranscriptReader(note)
        for _attempt in range(ATTEMPTS):
            answered = await self._replayer.replay(asked, reader)
            if answered.status >= 400 or not answered.content_type.startswith(EVENTS):
                return answered, reader.getvalue()
            if reader.result is not None:
                return Answered(answered.status, reader.content_type), reader.result
            if reader.error is not None and reader.error.get("code") != LOST:
                break
        return Answered(502), orjson.dumps(reader.error or error_body(_lost(), call.request_id))


def _lost() -> UpstreamError:
    return UpstreamError("The replica broke off in its answer.", code=LOST)


def _failed(answered: Answered, content: bytes) -> bytes:
    """The record of a job whose route answered with an error."""
    try:
        error = orjson.loads(content[:MAX_ERROR])
    except orjson.JSONDecodeError:
        error = None
    if not isinstance(error, dict):
        error = {"success": False, "error": "Failed", "detail": content[:1000].decode("latin-1")}
    return msgspec.json.encode(Outcome(answered.status, error=error))
