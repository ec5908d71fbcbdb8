"""The 202 of a request that is answered later."""

import asyncio

import orjson

from fleetserve.asgi import RawHeaders
from gateway.exchange import Exchange
from gateway.jobs.intake import Accepted, JobIntake
from gateway.jobs.order import without_job_fields
from gateway.jobs.work import Work
from gateway.relay import Relay

# What the replayed request is sent with.
_KEPT = ("content-type", "accept")


class Acceptance:
    """Takes in what the forwarder found to be a job. On the event loop."""

    def __init__(self, intake: JobIntake) -> None:
        self._intake = intake

    async def __call__(self, exchange: Exchange, relay: Relay) -> None:
        """Answers once the job is recorded: from then on no kill loses it.

        Raises: as JobIntake.take_request.
        """
        assert exchange.order is not None
        assert exchange.body is not None
        path, _, query = exchange.target.partition("?")
        work = Work(
            folder="",
            route=path,
            model=exchange.model_name,
            digest="",
            size=exchange.size,
            query=without_job_fields(query.encode("latin-1")),
            headers=[(name, value) for name, value in exchange.headers if name in _KEPT],
        )
        accepted = await asyncio.to_thread(
            self._intake.take_request, exchange.order, work, exchange.body
        )
        headers: RawHeaders = [
            (b"location", job_path(accepted).encode()),
            (b"preference-applied", b"respond-async"),
        ]
        await relay.answer(202, headers, orjson.dumps(accepted_body(accepted)))


def job_path(accepted: Accepted) -> str:
    """Where the job is to be looked at."""
    return f"/jobs/{accepted.job.id}"


def accepted_body(accepted: Accepted) -> dict[str, object]:
    """The answer's body; with the secret of the webhook's signature where one was asked for."""
    body: dict[str, object] = {
        "success": True,
        "job_id": accepted.job.id,
        "status": accepted.job.state.value,
        "events_url": f"{job_path(accepted)}/events",
    }
    if accepted.webhook_secret:
        body["webhook_secret"] = accepted.webhook_secret
    return body
