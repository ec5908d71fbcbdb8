"""The OpenAPI document of the whole fleet: own routes, data routes, each service's routes."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fleetserve import __version__
from fleetserve.errors import UnavailableError
from gateway.api import data_schemas as schemas
from gateway.service_calls import ServiceCalls

log = structlog.get_logger(__name__)

FETCH_TIMEOUT_S = 3.0
REF = "#/components/schemas/"
DESCRIPTION = (
    "Text, vision and speech models behind one address. Every answer has `success`; every"
    " error has `error`, `detail`, `code` and `request_id` with a true HTTP status."
)
ERROR_TEXTS = {
    "400": "The body can't be read.",
    "404": "No such model; the detail says how to get it.",
    "413": "The body is too large.",
    "422": "A field is wrong; the detail names it.",
    "503": "Not now; Retry-After says when.",
    "504": "The time given was over.",
}


@dataclass(frozen=True, slots=True)
class DataOperation:
    """One data route's page in the document."""

    path: str
    summary: str
    tag: str
    request: type[BaseModel]
    answer: type[BaseModel]
    examples: dict[str, dict[str, Any]]
    takes_file: bool = False


OPERATIONS = (
    DataOperation(
        "/predict",
        "Run a model",
        "core",
        schemas.PredictRequest,
        schemas.PredictAnswer,
        schemas.PREDICT_EXAMPLES,
        takes_file=True,
    ),
    DataOperation(
        "/synthesize",
        "Text to speech",
        "audio",
        schemas.SynthesizeRequest,
        schemas.SynthesizeAnswer,
        schemas.SYNTHESIZE_EXAMPLES,
    ),
    DataOperation(
        "/transcribe",
        "Speech to text",
        "audio",
        schemas.TranscribeRequest,
        schemas.TranscribeAnswer,
        schemas.TRANSCRIBE_EXAMPLES,
        takes_file=True,
    ),
)


class FleetOpenapi:
    """Builds the document; a service that is away leaves its last known routes in it."""

    def __init__(self, app: FastAPI, calls: ServiceCalls, prefixes: Mapping[str, str]) -> None:
        self._app = app
        self._calls = calls
        self._services: dict[str, tuple[str, ...]] = {}
        for prefix, service in prefixes.items():
            self._services[service] = (*self._services.get(service, ()), prefix)
        self._fetched: dict[str, dict[str, Any]] = {}

    async def build(self) -> dict[str, Any]:
        document = get_openapi(
            title="Fleetserve",
            version=__version__,
            description=DESCRIPTION,
            routes=self._app.routes,
        )
        _add_data_routes(document)
        for service, prefixes in self._services.items():
            fragment = await self._fragment(service)
            if fragment is not None:
                _merge(document, fragment, prefixes)
        return document

    async def _fragment(self, service: str) -> dict[str, Any] | None:
        try:
            fetched = await self._calls.get_json(service, "/openapi.json", FETCH_TIMEOUT_S)
            self._fetched[service] = fetched
        except UnavailableError as exc:
            log.info("openapi.fragment_missing", service=service, reason=exc.detail)
        return copy.deepcopy(self._fetched.get(service))


def _add_data_routes(document: dict[str, Any]) -> None:
    models = [m for op in OPERATIONS for m in (op.request, op.answer)] + [schemas.ErrorAnswer]
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=REF + "{model}"
    )
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(definitions["$defs"])
    for operation in OPERATIONS:
        document["paths"][operation.path] = {"post": _operation(operation)}


def _operation(op: DataOperation) -> dict[str, Any]:
    content: dict[str, Any] = {
        "application/json": {
            "schema": {"$ref": REF + op.request.__name__},
            "examples": op.examples,
        }
    }
    if op.takes_file:
        content["multipart/form-data"] = {
            "schema": {
                "type": "object",
                "required": ["file", "model_name"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "model_name": {"type": "string"},
                },
            }
        }
    answer = {"application/json": {"schema": {"$ref": REF + op.answer.__name__}}}
    if op.path == "/synthesize":
        answer["audio/*"] = {"schema": {"type": "string", "format": "binary"}}
    if op.path == "/predict":
        answer["text/event-stream"] = {"schema": {"type": "string"}}
    error = {"application/json": {"schema": {"$ref": REF + schemas.ErrorAnswer.__name__}}}
    return {
        "tags": [op.tag],
        "summary": op.summary,
        "operationId": op.path.strip("/"),
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "The result.", "content": answer},
            **{
                status: {"description": text, "content": error}
                for status, text in ERROR_TEXTS.items()
            },
        },
    }


def _merge(document: dict[str, Any], fragment: dict[str, Any], prefixes: tuple[str, ...]) -> None:
    """Adds a service's routes under its prefixes; equal schema names must mean equal schemas."""
    own = document.setdefault("components", {}).setdefault("schemas", {})
    theirs = fragment.get("components", {}).get("schemas", {})
    renamed = {
        name: f"{fragment['info']['title']}_{name}".replace(" ", "_")
        for name, schema in theirs.items()
        if name in own and own[name] != schema
    }
    fragment = _rename(fragment, {REF + old: REF + new for old, new in renamed.items()})
    for name, schema in fragment.get("components", {}).get("schemas", {}).items():
        own[renamed.get(name, name)] = schema
    for path, item in fragment.get("paths", {}).items():
        if any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes):
            document["paths"][path] = item


def _rename(node: Any, refs: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            k: refs.get(v, v) if k == "$ref" and isinstance(v, str) else _rename(v, refs)
            for k, v in node.items()
        }
    if isinstance(node, list):
        return [_rename(item, refs) for item in node]
    return node
