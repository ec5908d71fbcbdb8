"""An ASGI server's side of one request, for apps under test."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from fleetserve.asgi import App, Message


@dataclass
class Exchange:
    """One request and what was sent for it."""

    body: list[bytes]
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/predict"
    sent: list[Message] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def answer(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.sent[1:])

    @property
    def answer_headers(self) -> dict[str, str]:
        return {k.decode(): v.decode() for k, v in self.sent[0]["headers"]}

    @property
    def complete(self) -> bool:
        return bool(self.sent) and not self.sent[-1].get("more_body", False)

    async def run(self, app: App) -> None:
        scope: dict[str, Any] = {
            "type": "http",
            "method": self.method,
            "path": self.path,
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in self.headers.items()],
        }
        await app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if self.body:
            part = self.body.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self.body)}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
