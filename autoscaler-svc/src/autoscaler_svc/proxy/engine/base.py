"""The port to the Docker Engine's API."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """``content_type`` is empty where there is no body."""

    status: int
    content_type: str = ""
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Engine(Protocol):
    """Makes one call and returns its whole answer; for the event loop.

    ``target`` is path and query, as they go over the wire. Raises EngineAwayError where no
    answer came within ``timeout_s``; whether the call was carried out is then not known.
    """

    async def call(
        self, method: str, target: str, body: bytes = b"", *, timeout_s: float = 30.0
    ) -> EngineAnswer: ...
