"""A directory that tests speak into."""

import asyncio

from fleetserve.announcements import TTL_S, Announcement
from fleetserve.model_records import ModelRecord
from gateway.known_models import KnownModels
from gateway.replica_table import ReplicaTable


class MemoryDirectory:
    def __init__(self, table: ReplicaTable, models: KnownModels) -> None:
        self._table = table
        self._models = models
        self._away = ""

    @property
    def away_reason(self) -> str:
        return self._away

    def announce(self, announcement: Announcement) -> None:
        self._table.update(announcement)

    def record(self, record: ModelRecord) -> None:
        if self._models.put(record):
            self._table.notify()

    def lose(self, reason: str) -> None:
        self._away = reason
        self._table.freeze()

    def find(self) -> None:
        self._away = ""
        self._table.thaw(TTL_S)

    async def run(self) -> None:
        await asyncio.Event().wait()
