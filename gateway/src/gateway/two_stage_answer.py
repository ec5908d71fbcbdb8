"""The answer of a voice of two stages: what each of them did, beside the sound."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from gateway.known_models import Target
from gateway.reply import Reply

THREAD_ABOVE = 256 * 1024
# Before they are escaped; clients take no line of more than 8 KiB.
MAX_HEADER_BYTES = 2000


@dataclass(frozen=True, slots=True)
class TextStage:
    """``seconds`` covers all of it: holding, queue and compute."""

    writer: Target
    text: str
    seconds: float


async def tell_stages(reply: Reply, text: TextStage, speaker: Target) -> None:
    """Adds them to a reply: as ``stages`` to JSON that is here as a whole, as headers to sound.

    What is spoken can't be told in full in a header: ``x-spoken-text`` is percent-encoded UTF-8,
    cut after MAX_HEADER_BYTES with an ellipsis.
    """
    _add_timing(reply, text)
    if reply.media_type == b"application/json" and reply.content is not None:
        raw = reply.content
        if len(raw) > THREAD_ABOVE:
            reply.content = await asyncio.to_thread(_with_stages, raw, text, speaker)
        else:
            reply.content = _with_stages(raw, text, speaker)
        reply.length = len(reply.content)
    else:
        reply.headers.append((b"x-spoken-text", _for_header(text.text)))


def _add_timing(reply: Reply, text: TextStage) -> None:
    told = f'text;dur={text.seconds * 1000:.3f};desc="{text.writer.record.name}"'.encode()
    others = reply.header(b"server-timing")
    reply.headers = [one for one in reply.headers if one[0] != b"server-timing"]
    reply.headers.append((b"server-timing", b", ".join([told, others]) if others else told))


def _with_stages(raw: bytes, text: TextStage, speaker: Target) -> bytes:
    content = orjson.loads(raw)
    seconds = content["processing_time"]
    whole_s = seconds + text.seconds
    content["processing_time"] = round(whole_s, 6)
    content["real_time_factor"] = round(whole_s / content["duration"], 6)
    content["stages"] = [
        {**_stage(text.writer, text.seconds), "text": text.text},
        _stage(speaker, seconds),
    ]
    info, writer = content["model_info"], text.writer.record
    info |= {
        "model": writer.name,
        "model_name": writer.name,
        "actual_model": f"{writer.model_id or writer.name} + {info['actual_model']}",
        "revision": writer.revision,
        "speech_model": speaker.record.name,
    }
    return orjson.dumps(content)


def _stage(target: Target, seconds: float) -> dict[str, Any]:
    record = target.record
    return {
        "model": record.name,
        "task": record.task,
        "revision": record.revision,
        "time": round(seconds, 6),
    }


def _for_header(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > MAX_HEADER_BYTES:
        raw = f"{raw[:MAX_HEADER_BYTES].decode(errors='ignore')}…".encode()
    return quote(raw, safe="").encode()
