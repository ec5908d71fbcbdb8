"""The OpenAPI document of the whole fleet: own routes, data routes, each service's routes."""

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fleetserve import __version__
from fleetserve.errors import UnavailableError
from gateway.api.data_operations import JOB_PARAMETERS, OPERATIONS, REF, DataOperation
from gateway.api.job_answers import JobAccepted
from gateway.service_calls import ServiceCalls

log = structlog.get_logger(__name__)

FETCH_TIMEOUT_S = 3.0
DESCRIPTION = (
    "Text, vision and speech models behind one address. Every answer has `success`; every"
    " error has `error`, `detail`, `code` and `request_id` with a true HTTP status."
)
SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An access token of POST /auth/login, or an API key.",
    },
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key of POST /auth/generate-key.",
    },
}


class FleetOpenapi:
    """Builds the document; a service that is away leaves its last known routes in it."""

    def __init__(
        self, app: FastAPI, calls: ServiceCalls, prefixes: Iterable[tuple[str, str]]
    ) -> None:
        self._app = app
        self._calls = calls
        self._services: dict[str, tuple[str, ...]] = {}
        for prefix, service in prefixes:
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
        document["components"]["securitySchemes"] = SECURITY_SCHEMES
        # The first, none, is enough while auth is off and for the open routes.
        document["security"] = [{}, *({name: []} for name in SECURITY_SCHEMES)]
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
            log.info("openapi.fragment_missing", of=service, reason=exc.detail)
        return copy.deepcopy(self._fetched.get(service))


def _add_data_routes(document: dict[str, Any]) -> None:
    used: set[type[BaseModel]] = {JobAccepted}
    used |= {
        model
        for op in OPERATIONS
        for model in (op.request, op.form, op.answer, op.error)
        if model is not None
    }
    models = sorted(used, key=lambda model: model.__name__)
    _, definitions = models_json_schema(
        [(model, "validation") for model in models], ref_template=REF + "{model}"
    )
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components.update(definitions["$defs"])
    for operation in OPERATIONS:
        item = document["paths"].setdefault(operation.path, {})
        item[operation.method] = _operation(operation)


def _operation(op: DataOperation) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": REF + op.error.__name__}}}
    found: dict[str, Any] = {
        "tags": [op.tag],
        "summary": op.summary,
        "operationId": op.path.strip("/").replace("/", "_").replace("{", "").replace("}", ""),
        "responses": {
            "200": {
                "description": "The result.",
                "content": {**_json(op.answer), **op.also_answers},
            },
            **{
                status: {"description": text, "content": error}
                for status, text in op.errors.items()
            },
        },
    }
    if op.description:
        found["description"] = op.description
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", op.path)
    ]
    if op.takes_jobs:
        accepted = {"application/json": {"schema": {"$ref": REF + JobAccepted.__name__}}}
        found["responses"]["202"] = {"description": "Taken in as a job.", "content": accepted}
        parameters += JOB_PARAMETERS
    if parameters:
        found["parameters"] = parameters
    content = {**_json(op.request, op.examples), **_form(op.form), **op.also_takes}
    if content:
        found["requestBody"] = {"required": True, "content": content}
    return found


def _json(
    model: type[BaseModel] | None, examples: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    if model is None:
        return {}
    told: dict[str, Any] = {"schema": {"$ref": REF + model.__name__}}
    return {"application/json": told if examples is None else {**told, "examples": examples}}


def _form(model: type[BaseModel] | None) -> dict[str, Any]:
    if model is None:
        return {}
    return {"multipart/form-data": {"schema": {"$ref": REF + model.__name__}}}


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
            document["paths"].setdefault(path, {}).update(item)


def _rename(node: Any, refs: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            k: refs.get(v, v) if k == "$ref" and isinstance(v, str) else _rename(v, refs)
            for k, v in node.items()
        }
    if isinstance(node, list):
        return [_rename(item, refs) for item in node]
    return node
