"""The error shape in the OpenAPI document, and which statuses the routes have."""

from typing import Any, Literal

from pydantic import BaseModel


class AuthErrorAnswer(BaseModel):
    """Every error's body; errors about a field have ``field`` too."""

    success: Literal[False] = False
    error: str
    detail: str
    code: str
    request_id: str


_TEXTS = {
    401: "No credential, or one that does not hold; code says which.",
    403: "The credential does not allow it.",
    404: "No such user or key.",
    409: "The name or the email is taken, or it is the last admin.",
    422: "A field is wrong; the detail names it and what is allowed.",
    429: "Too many tries; Retry-After says when to come back.",
    503: "Too many logins at once; Retry-After says when to come back.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What FastAPI wants for ``responses``."""
    return {
        status: {"description": _TEXTS[status], "model": AuthErrorAnswer} for status in statuses
    }
