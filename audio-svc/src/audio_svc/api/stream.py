"""WebSocket /audio/stream: 16-bit PCM in, partial and final transcripts out.

The query names `model_name`, `sample_rate`, `language` and `task`. Binary messages are sound
(mono, little-endian); the text message {"type": "end"} ends it. Out come JSON messages: ready,
partial, final, done, error.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import numpy as np
import orjson
import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import Field

from audio_svc.api.reading import check_fields
from audio_svc.api.routing import RoutedBody
from audio_svc.listener import Listener, LiveAsk
from audio_svc.listening import AUTO
from audio_svc.live import LiveHearing, Utterance
from audio_svc.transcription.base import SpeechTask, TranscriptionOptions
from fleetserve.errors import BadRequestError, FleetError, as_fleet_error, error_body
from fleetserve.request_ids import request_id_of

log = structlog.get_logger(__name__)

stream_router = APIRouter()

END = "end"
NORMAL, POLICY, INTERNAL = 1000, 1008, 1011


class StreamQuery(RoutedBody):
    sample_rate: Annotated[int, Field(ge=8000, le=48000)] = 16000
    language: Annotated[str, Field(max_length=32)] = AUTO
    task: SpeechTask = SpeechTask.TRANSCRIBE


@stream_router.websocket("/audio/stream")
async def stream_audio(socket: WebSocket) -> None:
    listener: Listener = socket.app.state.listener
    request_id = request_id_of(socket.scope)
    await socket.accept()
    code = NORMAL
    try:
        query = check_fields(StreamQuery, dict(socket.query_params))
        options = TranscriptionOptions(task=query.task)
        ask = LiveAsk(query.model_name, query.sample_rate, query.language, options)
        async with listener.live(ask) as hearing:
            await _tell(socket, {"type": "ready", "sample_rate": query.sample_rate})
            await _serve(socket, hearing)
        await _tell(socket, {"type": "done"})
    except WebSocketDisconnect:
        return
    except FleetError as exc:
        code = POLICY if exc.status < 500 else INTERNAL
        await _tell(socket, {"type": "error", **error_body(exc, request_id)})
    except Exception as exc:
        code = INTERNAL
        log.exception("request.failed", request_id=request_id)
        await _tell(socket, {"type": "error", **error_body(as_fleet_error(exc), request_id)})
    with suppress(RuntimeError):  # It is gone already.
        await socket.close(code)


async def _serve(socket: WebSocket, hearing: LiveHearing) -> None:
    """Until the client says that its sound is over."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", NORMAL))
        sound = message.get("bytes")
        if sound is None:
            _check_end(message.get("text") or "")
            await _tell_all(socket, hearing.finish())
            return
        if len(sound) % 2:
            raise BadRequestError("A message of 16-bit samples has an even number of bytes.")
        await _tell_all(socket, hearing.push(np.frombuffer(sound, "<i2").astype(np.int16)))


def _check_end(text: str) -> None:
    """Raises: BadRequestError: it is another message than the one there is."""
    try:
        kind = orjson.loads(text)["type"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        kind = None
    if kind != END:
        raise BadRequestError('A text message is {"type": "end"}; sound comes in binary ones.')


async def _tell_all(socket: WebSocket, utterances: AsyncIterator[Utterance]) -> None:
    async for one in utterances:
        await _tell(socket, _content(one))


async def _tell(socket: WebSocket, content: dict[str, Any]) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_text(orjson.dumps(content).decode())


def _content(one: Utterance) -> dict[str, Any]:
    return {
        "type": "final" if one.final else "partial",
        "text": one.text,
        "start": round(one.start_s, 3),
        "end": round(one.end_s, 3),
        "language": one.segments[0].language if one.segments else None,
    }
