"""An error that a process of the fleet answered with, as one that can be raised again."""

from typing import Any

import orjson

from fleetserve.errors import (
    BadRequestError,
    ConflictError,
    DeadlineError,
    DoesNotFitError,
    FleetError,
    ForbiddenError,
    InternalError,
    InvalidFieldError,
    NotAcceptableError,
    NotFoundError,
    PayloadTooLargeError,
    UnavailableError,
    UnsupportedMediaError,
    UpstreamError,
)
from gateway.upstream.base import RawHeaders

_BY_STATUS: dict[int, type[FleetError]] = {
    error.status: error
    for error in (
        BadRequestError,
        ConflictError,
        DeadlineError,
        DoesNotFitError,
        ForbiddenError,
        InternalError,
        NotAcceptableError,
        NotFoundError,
        PayloadTooLargeError,
        UnsupportedMediaError,
    )
}


def error_of(status: int, headers: RawHeaders, content: bytes) -> FleetError:
    """The same error, of our own shape or of OpenAI's; one that is neither is a 502."""
    detail, code, field = _told(content)
    if not detail:
        return UpstreamError(f"It answered {status}.")
    if field:
        return InvalidFieldError(field, detail.removeprefix(f"{field}: "), code=code)
    if status == UnavailableError.status:
        retry = next((value for name, value in headers if name == b"retry-after"), b"")
        return UnavailableError(
            detail, retry_after_s=float(retry) if retry.isdigit() else 1.0, code=code
        )
    return _BY_STATUS.get(status, UpstreamError)(detail, code=code)


def _told(content: bytes) -> tuple[str, str | None, str]:
    """Detail, code and field; "" where there is none."""
    try:
        told: dict[str, Any] = orjson.loads(content)
        if isinstance(told.get("error"), dict):
            told = told["error"]
            return told["message"], told["code"], told.get("param") or ""
        return told["detail"], told["code"], told.get("field", "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", None, ""
