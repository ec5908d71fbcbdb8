"""The handler of single requests: replays them, keeps the answer."""

import msgspec
import orjson

from fleetserve.errors import FleetError, NotFoundError
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.runner import JobFailedError
from gateway.jobs.fleet_link import FleetLink
from gateway.jobs.job_files import JobFiles, room_on_disk
from gateway.jobs.replay import Answered, Call, Replayer
from gateway.jobs.work import Outcome, Work, failure, read_work
from gateway.jobs.work_loop import WorkLoop

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
        work, name = read_work(job.job), self._files.result_name(job.lease.fence)
        try:
            answered = self._loop.call(job, lambda: self._replay(job, work, name))
        except FleetError as exc:
            raise JobFailedError(failure(exc, job.job.id)) from exc
        path = self._files.result(work.folder, name)
        if answered.status >= 400:
            raise JobFailedError(_failed(answered, path.read_bytes()))
        kind, size = answered.content_type, path.stat().st_size
        return msgspec.json.encode(Outcome(answered.status, name, kind, size))

    async def _replay(self, job: LeasedJob, work: Work, name: str) -> Answered:
        body = self._files.body(work.folder)
        call = Call(work.route, work.query, work.headers, job.job.id, job.job.principal, body)
        if not body.exists():
            raise NotFoundError("What was sent is gone from the jobs volume.", code="body_gone")
        async with self._link.used():
            with room_on_disk(), self._files.result(work.folder, name).open("wb") as out:
                return await self._replayer.replay(call, out)


def _failed(answered: Answered, content: bytes) -> bytes:
    """The record of a job whose route answered with an error."""
    try:
        error = orjson.loads(content[:MAX_ERROR])
    except orjson.JSONDecodeError:
        error = None
    if not isinstance(error, dict):
        error = {"success": False, "error": "Failed", "detail": content[:1000].decode("latin-1")}
    return msgspec.json.encode(Outcome(answered.status, error=error))
