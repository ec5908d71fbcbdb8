"""Records of jobs in Redis, each a hash; every step is one script, so that it is atomic."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any

import redis
from redis.exceptions import RedisError

from fleetserve.jobs.ledger.base import (
    KEEP_FINISHED_S,
    LEASE_S,
    PRIORITY_STEP_S,
    Bounds,
    Depth,
    Hold,
    Job,
    JobNotFoundError,
    JobState,
    Lease,
    LedgerUnavailableError,
    TooManyJobsError,
)
from fleetserve.keys import Keys

_SCRIPTS = ("insert", "cancel", "claim", "report", "settle", "depth")


class RedisLedger:
    """See JobLedger. Leases end by Redis's own clock, so owners' clocks may differ.

    Args:
        client: Must fail fast; answers are bytes.
        keys: A name space of this ledger alone.
        keep_s: How long finished jobs are kept.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        *,
        lease_s: float = LEASE_S,
        keep_s: float = KEEP_FINISHED_S,
    ) -> None:
        self._client = client
        self._keep_s = max(1, int(keep_s))
        self._keys = keys
        self._lease_ms = int(lease_s * 1000)
        folder = resources.files("fleetserve.jobs.ledger") / "scripts"
        common = (folder / "common.lua").read_text()
        self._scripts: dict[str, Any] = {
            name: client.register_script(common + (folder / f"{name}.lua").read_text())
            for name in _SCRIPTS
        }

    def insert(self, job: Job, bounds: Bounds | None = None) -> Job:
        stored_id = self._run(
            "insert",
            job.id,
            job.kind,
            job.subject,
            job.request,
            job.principal,
            job.priority,
            int(PRIORITY_STEP_S * 1000),
            bounds.in_all if bounds else 0,
            bounds.of_one if bounds else 0,
        )
        if stored_id is None:
            raise TooManyJobsError
        return self.read(stored_id.decode())

    def read(self, job_id: str) -> Job:
        with translated():
            fields: Any = self._client.hgetall(self._keys.job(job_id))
        if not fields:
            raise JobNotFoundError(job_id)
        return _job(job_id, fields)

    def cancel(self, job_id: str) -> Job:
        self._run("cancel", job_id, self._keep_s)
        return self.read(job_id)

    def claim(self, owner: str, *, restarted: bool = False) -> tuple[Job, Lease] | None:
        claimed = self._run("claim", owner, self._lease_ms, int(restarted))
        if claimed is None:
            return None
        job_id, fence = claimed[0].decode(), int(claimed[1])
        return self.read(job_id), Lease(job_id, owner, fence)

    def report(self, lease: Lease, progress: bytes) -> Hold:
        found = self._run("report", lease.job_id, lease.fence, self._lease_ms, progress)
        return Hold(found.decode())

    def settle(self, lease: Lease, state: JobState, result: bytes) -> bool:
        kept_s = self._keep_s if state.finished else 0
        return bool(self._run("settle", lease.job_id, lease.fence, state.value, result, kept_s))

    def depth(self) -> Depth:
        queued, running = self._run("depth")
        return Depth(int(queued), int(running))

    def _run(self, script: str, *args: str | bytes | int) -> Any:
        with translated():
            return self._scripts[script](keys=[self._keys.jobs], args=[self._keys.job(""), *args])


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as exc:
        raise LedgerUnavailableError(
            f"Redis, which keeps the jobs, does not answer ({exc}); try again shortly.",
            retry_after_s=2.0,
        ) from exc


def _job(job_id: str, fields: dict[bytes, bytes]) -> Job:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode()

    return Job(
        id=job_id,
        kind=text(b"kind"),
        subject=text(b"subject"),
        request=fields.get(b"request", b""),
        principal=text(b"principal"),
        priority=int(text(b"priority") or 0),
        state=JobState(text(b"state")),
        progress=fields.get(b"progress", b""),
        result=fields.get(b"result", b""),
        owner=text(b"owner"),
        fence=int(text(b"fence") or 0),
        created_at=int(text(b"created_ms") or 0) / 1000,
        started_at=int(text(b"started_ms") or 0) / 1000,
        updated_at=int(text(b"updated_ms") or 0) / 1000,
    )
