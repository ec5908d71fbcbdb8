"""The door for uploads of batches: reads, checks the model, hands in."""

import asyncio
import shutil
from collections.abc import Callable
from typing import BinaryIO

from fleetserve.asgi import Receive, Scope
from gateway.bodies import Body, BodyStore
from gateway.entrance import principal_name
from gateway.exchange import Headers
from gateway.jobs.batch_upload import Upload, read_upload
from gateway.jobs.intake import Accepted, JobIntake
from gateway.jobs.order import JobOrder, idempotency_key
from gateway.jobs.work import Work
from gateway.known_models import KnownModels

# Every line is replayed there: it serves all models, and knows the form of one input of each.
ROUTE = "/predict"


class BatchDoor:
    """On the event loop."""

    def __init__(self, intake: JobIntake, bodies: BodyStore, models: KnownModels) -> None:
        self._intake = intake
        self._bodies = bodies
        self._models = models

    async def take(self, scope: Scope, receive: Receive) -> Accepted:
        """Raises: as read_upload and JobIntake.take; ModelNotFoundError."""
        headers: Headers = dict(scope["headers"])
        key = idempotency_key(headers)
        body = await self._bodies.read(headers, receive)
        spooled: list[BinaryIO] = []
        try:
            kind = headers.get(b"content-type", b"").decode("latin-1")
            upload = await asyncio.to_thread(
                read_upload, kind, scope["query_string"], body, self._opener(spooled)
            )
            model = self._models.find(upload.model).record.name
            return await asyncio.to_thread(
                self._hand_in, principal_name(scope), key, model, upload, body
            )
        finally:
            for file in spooled:
                file.close()
            self._bodies.release(body)

    def _opener(self, opened: list[BinaryIO]) -> Callable[[], BinaryIO]:
        def open_file() -> BinaryIO:
            opened.append(self._bodies.open_spool())
            return opened[-1]

        return open_file

    def _hand_in(
        self, principal: str, key: str | None, model: str, upload: Upload, body: Body
    ) -> Accepted:
        fields = upload.fields
        order = JobOrder(principal, fields.priority, key, fields.webhook_url)
        work = Work(
            folder="",
            route=ROUTE,
            model=model,
            digest="",
            size=body.size,
            lines=upload.lines,
            parameters=fields.parameters,
        )
        return self._intake.take(order, work, lambda file: shutil.copyfileobj(upload.content, file))
