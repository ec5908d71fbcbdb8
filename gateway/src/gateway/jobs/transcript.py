"""A long transcription as a job: read as events, so that what was heard so far can be told."""

import io
from collections.abc import Callable
from typing import Any

import orjson

from gateway.jobs.work import JSON, Progress

ROUTE = "/transcribe"
EVENTS = "text/event-stream"
LOST = "upstream_lost"  # The replica died in its answer; another begins anew.
MAX_TEXT = 16_000  # Of the partial text its end is kept: it is written with each renewal.


class TranscriptReader(io.BytesIO):
    """Takes the answer's bytes; of events it keeps what counts, all else stays as it came.

    Args:
        note: Told of each step.

    Attributes:
        result: The answer in the last event; None: it has not come.
        error: The last event, where that is an error.
    """

    def __init__(self, note: Callable[[Progress], None]) -> None:
        super().__init__()
        self._note = note
        self._part = 0.0
        self._text = ""
        self.result: bytes | None = None
        self.content_type = JSON
        self.error: dict[str, Any] | None = None

    def truncate(self, size: int | None = None) -> int:
        """The answer begins anew; how far it is does not go back."""
        self._text, self.result, self.error = "", None, None
        return super().truncate(size)

    def write(self, data: Any) -> int:
        super().write(data)
        *events, rest = self.getvalue().split(b"\n\n")
        if events:
            self.seek(0)
            super().truncate()
            super().write(rest)
        for event in events:
            self._take(event)
        return len(data)

    def _take(self, event: bytes) -> None:
        head, _, raw = event.partition(b"\ndata: ")
        match head.removeprefix(b"event: "):
            case b"segment":
                self._text = f"{self._text} {orjson.loads(raw)['text']}".lstrip()[-MAX_TEXT:]
            case b"progress":
                self._part = max(self._part, orjson.loads(raw)["progress"])
                self._note(Progress(part=self._part, text=self._text))
            case b"done":
                self._finish(raw)
            case b"error":
                self.error = orjson.loads(raw)
            case _:
                pass

    def _finish(self, raw: bytes) -> None:
        answer = orjson.loads(raw)
        self.result = raw
        if "content_type" in answer:
            self.result = answer["content"].encode()
            self.content_type = answer["content_type"]
