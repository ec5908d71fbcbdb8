"""POST and DELETE /audio/voices: voices that callers give a model."""

import asyncio
import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from fleetserve.errors import BadRequestError, InvalidFieldError, PayloadTooLargeError
from fleetserve.multipart import Form, read_form
from model_registry_svc.api.error_schemas import errors
from model_registry_svc.npy_file import read_vector
from model_registry_svc.services import Services
from model_registry_svc.voices import VoiceBook

router = APIRouter(prefix="/audio/voices", tags=["audio"])

MAX_BODY_BYTES = 8 << 20  # 15 s of 24-bit stereo at 96 kHz are 8.6 MB; nobody needs that.
MAX_NUMBERS = 4096
NPY = b"\x93"
EXAMPLE = {"model_name": "speecht5_tts", "name": "anna", "embedding": [0.01, -0.02] * 256}
_FIELDS = {
    "model_name": {"type": "string", "description": "Or `model`."},
    "name": {"type": "string", "description": "Letters, digits, dots, dashes, underscores."},
}
_NUMBERS = {"type": "array", "items": {"type": "number"}, "description": "An x-vector."}
_FILE = {
    "type": "string",
    "format": "binary",
    "description": "The vector as .npy or .json, or a recording of 1 to 15 s as wav, flac, mp3, "
    "ogg or opus, for a model that speaks like one (VALL-E X).",
}
_TRANSCRIPT = {"type": "string", "description": "What is said in the recording, word for word."}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["model_name", "name", "embedding"],
                    "properties": _FIELDS | {"embedding": _NUMBERS},
                },
                "example": EXAMPLE,
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["model_name", "name", "file"],
                    "properties": _FIELDS | {"file": _FILE, "transcript": _TRANSCRIPT},
                }
            },
        },
    }
}


class VoiceAnswer(BaseModel):
    success: bool = True
    model_name: str
    name: str
    replaced: bool = Field(False, description="There was a voice of this name before.")


@router.post(
    "",
    status_code=201,
    summary="Give a model a voice",
    openapi_extra=BODY,
    responses=errors(400, 404, 409, 413, 415, 422),
)
async def put_voice(request: Request, services: Services) -> VoiceAnswer:
    """By JSON with `embedding`, or as a form with `file`: a vector, or a recording.

    Every replica speaks in it from then on; a voice of the same name is replaced.
    """
    if int(request.headers.get("content-length") or 0) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"A voice has at most {MAX_BODY_BYTES} bytes.")
    body = await request.body()
    given = await asyncio.to_thread(_read, body, request.headers.get("content-type", ""))
    replaced = await asyncio.to_thread(_keep, services.voices, given)
    return VoiceAnswer(model_name=given.model, name=given.name, replaced=replaced)


@router.delete("", summary="Delete a voice that was given", responses=errors(404, 422))
async def delete_voice(
    services: Services,
    model_name: Annotated[str, Query(min_length=1, max_length=128)],
    name: Annotated[str, Query(min_length=1, max_length=64)],
) -> VoiceAnswer:
    """Presets stay."""
    await asyncio.to_thread(services.voices.remove, model_name, name)
    return VoiceAnswer(model_name=model_name, name=name)


@router.delete("/{voice}", summary="Delete a voice that was given", responses=errors(404, 422))
async def delete_named_voice(
    services: Services,
    voice: str,
    model_name: Annotated[str, Query(min_length=1, max_length=128)],
) -> VoiceAnswer:
    """The same, with the voice in the path."""
    return await delete_voice(services, model_name, voice)


@dataclass(frozen=True, slots=True)
class _Given:
    """A voice as it was posted: a vector's numbers, or a recording and what is said in it."""

    model: str
    name: str
    voice: list[float] | bytes
    transcript: str = ""


def _keep(voices: VoiceBook, given: _Given) -> bool:
    if isinstance(given.voice, bytes):
        return voices.put_recording(given.model, given.name, given.voice, given.transcript)
    return voices.put(given.model, given.name, given.voice)


def _read(body: bytes, content_type: str) -> _Given:
    """Raises: BadRequestError, InvalidFieldError: what is wrong."""
    voice: list[float] | bytes
    if content_type.startswith("multipart/form-data"):
        form = read_form(body, content_type)
        fields: dict[str, Any] = {key: values[-1] for key, values in form.fields.items()}
        voice = _voice_of_form(form)
    else:
        fields = _object(body)
        voice = _numbers(fields.get("embedding"), "embedding")
    model = fields.get("model_name") or fields.get("model")
    for field, value in (("model_name", model), ("name", fields.get("name"))):
        if not isinstance(value, str) or not value:
            raise InvalidFieldError(field, "is missing")
    return _Given(str(model), str(fields["name"]), voice, str(fields.get("transcript", "")))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as exc:
        raise BadRequestError(f"The body is not JSON: {exc}") from None
    if not isinstance(found, dict):
        raise InvalidFieldError("body", "must be a JSON object")
    return found


def _voice_of_form(form: Form) -> list[float] | bytes:
    """What it is tells its beginning: NumPy's magic, a list's bracket, or anything else."""
    data = form.files.get("file")
    if data is None:
        data = form.fields.get("embedding", [""])[-1].encode()
        if not data:
            raise InvalidFieldError(
                "file", "is missing: the vector as .npy or .json, or a recording of the voice"
            )
    elif data[:1] != NPY and data.lstrip()[:1] != b"[":
        return data
    try:
        return read_vector(data) if data[:1] == NPY else _numbers(json.loads(data), "file")
    except ValueError as exc:
        raise InvalidFieldError(
            "file", f"a vector as .npy or as a JSON list is wanted: {exc}"
        ) from None


def _numbers(value: Any, field: str) -> list[float]:
    good = isinstance(value, list) and 0 < len(value) <= MAX_NUMBERS
    if not good or not all(isinstance(one, int | float) for one in value):
        raise InvalidFieldError(field, "a list of numbers is wanted")
    return [float(one) for one in value]
