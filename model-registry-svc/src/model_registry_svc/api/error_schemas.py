"""The error shape in the OpenAPI document, and which statuses the registry's routes have."""

from typing import Any, Literal

from pydantic import BaseModel


class RegistryErrorAnswer(BaseModel):
    """Every error's body; errors about a field have ``field`` too."""

    success: Literal[False] = False
    error: str
    detail: str
    code: str
    request_id: str


_TEXTS = {
    400: "The body can't be read.",
    403: "The source wants a token that the fleet does not have; the detail says how to get one.",
    404: "No such model, download or repository.",
    409: "The name is taken by another model, or the model is in use.",
    413: "The body is too large.",
    415: "The body is not JSON by its Content-Type.",
    422: "A field is wrong; the detail names it and what is allowed.",
    502: "The source can't be reached or answers nonsense.",
    503: "Redis or the worker is away; Retry-After says when to come back.",
    507: "It does not fit on the models volume.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI wants for ``responses``."""
    return {
        status: {"description": _TEXTS[status], "model": RegistryErrorAnswer} for status in statuses
    }
