"""Requests as the data plane hands them to the handlers."""

import functools
import io
from typing import Any

import numpy as np
import orjson
import soundfile
from numpy.typing import NDArray

from audio_svc.audio.decoding import decode, resample
from fleetserve.clock import Clock
from fleetserve.replica.exchange import Answer, ReplicaRequest
from tests.checkpoints.recordings import SENTENCES, record
from tests.forms import BOUNDARY, form_body

TIMEOUT_S = 30.0


class RequestMaker:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def raw(
        self, body: bytes, content_type: str, headers: dict[str, str] | None = None
    ) -> ReplicaRequest:
        now_s = self._clock.monotonic_s()
        sent = headers or {}
        return ReplicaRequest(
            path="/",
            query=b"",
            headers={name.lower().encode(): value.encode() for name, value in sent.items()},
            body=body,
            content_type=content_type,
            request_id="r1",
            model=sent.get("x-fleet-model"),
            priority=None,
            attempt=0,
            received_s=now_s,
            deadline_s=now_s + TIMEOUT_S,
            deadline_given=False,
        )

    def json(self, fields: dict[str, Any], headers: dict[str, str] | None = None) -> ReplicaRequest:
        return self.raw(orjson.dumps(fields), "application/json", headers)

    def form(self, fields: dict[str, str | list[str]], files: dict[str, bytes]) -> ReplicaRequest:
        return self.raw(form_body(fields, files), f"multipart/form-data; boundary={BOUNDARY}")


def wav(samples: NDArray[np.float32], rate_hz: int = 16000, **how: str) -> bytes:
    """A sound file; samples [n] or [n, channels]."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=how.get("format", "WAV"), **_subtype(how))
    return file.getvalue()


def _subtype(how: dict[str, str]) -> dict[str, str]:
    return {"subtype": how["subtype"]} if "subtype" in how else {}


def without_tag(mp3: bytes) -> bytes:
    """An MP3 as a stream has it: the frame that tells the length is gone."""
    place = mp3.index(mp3[:2], mp3.index(b"LAME"))
    return mp3[place:]


def tone(seconds: float = 1.0, rate_hz: int = 16000, hz: float = 220.0) -> NDArray[np.float32]:
    """A sine at half of full scale."""
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


@functools.cache
def speech(rate_hz: int = 16000, pause_s: float = 1.0) -> NDArray[np.float32]:
    """A spoken sentence between two pauses."""
    said = decode(record(SENTENCES[0]), field="file", max_seconds=60)
    pause = np.zeros(round(pause_s * rate_hz), np.float32)
    return np.concatenate([pause, resample(said.samples, said.rate_hz, rate_hz), pause])


def content_of(answer: Answer) -> dict[str, Any]:
    """The JSON of an answer."""
    assert isinstance(answer.body, bytes)
    content: dict[str, Any] = orjson.loads(answer.body)
    return content
