"""Has a replica load a model when it has come, so that its first request need not wait."""

import asyncio
from urllib.parse import quote

import httpx2 as httpx
import structlog

from fleetserve.announcements import Announcement
from fleetserve.errors import FleetError
from fleetserve.manifest import Manifest
from fleetserve.tokens import TOKEN_HEADER, TokenSigner
from model_registry_svc.library import Library
from model_registry_svc.replicas import ReplicaBoard, ready_for, roomiest
from model_registry_svc.tracking import WAIT_EVERY_S, Tracker

log = structlog.get_logger(__name__)


class ReplicaLoader:
    """For the event loop. A model that nobody loads now is loaded by its first request.

    Args:
        client: Bounds the time of a call itself.
    """

    def __init__(
        self,
        tracker: Tracker,
        library: Library,
        board: ReplicaBoard,
        signer: TokenSigner,
        client: httpx.AsyncClient,
    ) -> None:
        self._tracker = tracker
        self._library = library
        self._board = board
        self._signer = signer
        self._client = client
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def load_when_done(self, download_id: str) -> None:
        """Returns at once; asking twice loads once."""
        if download_id in self._waiting:
            return
        task = asyncio.create_task(self._wait_and_load(download_id), name=f"load-{download_id}")
        self._waiting[download_id] = task
        task.add_done_callback(lambda _: self._waiting.pop(download_id, None))

    async def close(self) -> None:
        """Forgets what it waits for."""
        tasks = list(self._waiting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def _wait_and_load(self, download_id: str) -> None:
        try:
            name = ""
            async for view in self._tracker.follow(download_id, WAIT_EVERY_S):
                name = view.model_name
            manifest = await asyncio.to_thread(self._library.find, name)
            if manifest is not None:
                await self._load(manifest)
        except FleetError as exc:
            log.info("model.not_loaded", download=download_id, reason=exc.detail)

    async def _load(self, manifest: Manifest) -> None:
        announced = await asyncio.to_thread(self._board.announcements)
        replica = choose_replica(announced, manifest)
        if replica is None:
            log.info("model.not_loaded", model=manifest.name, reason="no ready replica has room")
            return
        instance = quote(f"{manifest.name}@{manifest.revision}", safe="@")
        try:
            response = await self._client.put(
                f"{replica.address}/internal/models/{instance}",
                headers={TOKEN_HEADER: self._signer.token_for(replica.service)},
            )
        except (httpx.HTTPError, KeyError) as exc:
            log.warning("model.not_loaded", model=manifest.name, reason=str(exc))
            return
        log.info(
            "model.load_asked",
            model=manifest.name,
            on=replica.replica_id,
            status=response.status_code,
        )


def choose_replica(announced: list[Announcement], manifest: Manifest) -> Announcement | None:
    """The ready replica with the most room that can serve it; None if one has it already."""
    ready = ready_for(announced, manifest.task)
    wanted = (manifest.name, manifest.revision)
    if any((m.name, m.revision) == wanted for a in ready for m in a.models):
        return None
    return next(iter(roomiest(ready, manifest.size_bytes)), None)
