"""What the documentation needs of an OpenAPI document: its routes, and the schemas they use."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete")
REF = "#/components/schemas/"
# FastAPI lists these for every 422; the fleet answers ErrorAnswer instead.
NEVER_ANSWERED = {"HTTPValidationError", "ValidationError"}


@dataclass(frozen=True, slots=True)
class Content:
    """A body as one content type has it; ``schema`` is empty where none is given."""

    content_type: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Schema, ...]
    takes: tuple[Content, ...]
    answers: tuple[Content, ...]
    errors: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def is_below(self, prefix: str) -> bool:
        """Whether its path is this one, or goes on from it; only ``/`` itself is below ``/``."""
        return self.path == prefix or (prefix != "/" and self.path.startswith(prefix + "/"))


class OpenapiDocument:
    def __init__(self, document: dict[str, Any]) -> None:
        self.routes = tuple(_routes(document["paths"]))
        schemas: dict[str, Schema] = document.get("components", {}).get("schemas", {})
        self.schemas = {n: s for n, s in schemas.items() if n not in NEVER_ANSWERED}

    def below(self, prefixes: Sequence[str]) -> list[Route]:
        """The routes below each prefix, in the prefixes' order; none where there are none."""
        found: list[Route] = []
        for prefix in prefixes:
            routes = [route for route in self.routes if route.is_below(prefix)]
            found += [route for route in routes if route not in found]
        return found

    def used_by(self, routes: Iterable[Route]) -> list[str]:
        """Names of the schemas that these routes take and answer, and of what those hold."""
        contents = [c for route in routes for c in (*route.takes, *route.answers)]
        found: dict[str, None] = {}
        waiting = [name for content in contents for name in references(content.schema)]
        while waiting:
            name = waiting.pop(0)
            if name in self.schemas and name not in found:
                found[name] = None
                waiting = [*references(self.schemas[name]), *waiting]
        return list(found)


def references(schema: object) -> Iterator[str]:
    """Names of the schemas that this one names, in order, repeated as there."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield str(value).removeprefix(REF)
            else:
                yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def _routes(paths: dict[str, Any]) -> Iterator[Route]:
    for path, operations in paths.items():
        for method in METHODS:
            if method in operations:
                yield _route(method, path, operations[method])


def _route(method: str, path: str, operation: dict[str, Any]) -> Route:
    responses: dict[str, Any] = operation.get("responses", {})
    return Route(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=tuple(operation.get("parameters", ())),
        takes=_contents(operation.get("requestBody", {})),
        answers=tuple(
            content
            for status, response in responses.items()
            if status.startswith("2")
            for content in _contents(response)
        ),
        errors=tuple(sorted(status for status in responses if status[0] in "45")),
    )


def _contents(body: dict[str, Any]) -> tuple[Content, ...]:
    content: dict[str, Any] = body.get("content", {})
    return tuple(Content(name, media.get("schema", {})) for name, media in content.items())
