"""Events as OpenAI's clients read them: JSON objects that carry their own type."""

from fleetserve.replica.exchange import json_bytes

EVENTS = "text/event-stream; charset=utf-8"
UNCACHED = ((b"cache-control", b"no-cache"),)


def event(content: dict[str, object]) -> bytes:
    return b"data: " + json_bytes(content) + b"\n\n"
