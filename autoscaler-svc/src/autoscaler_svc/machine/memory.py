"""A machine that tests make up."""

import dataclasses
from collections.abc import Sequence

from autoscaler_svc.bounds import Room


class MemoryMachine:
    def __init__(self, room: Room) -> None:
        self.room = room

    async def look(self, gpu_services: Sequence[str] | None = None) -> Room:
        if gpu_services is None:
            return dataclasses.replace(self.room, gpus=0)
        return self.room

    async def close(self) -> None:
        self.room = Room(cores=0, free_mb=-1, gpus=0)
