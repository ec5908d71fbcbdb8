"""The one error tree. Raise anywhere, rendered once, in API.md's shape.

FleetError
├── BadRequestError 400            the request cannot be read at all
├── UnauthorizedError 401          no credential, or one that does not hold
├── ForbiddenError 403             a credential without the scope, a gated repo
├── NotFoundError 404              nothing stands at that address
│   └── ModelNotFoundError         no such model, and how to get it
├── MethodNotAllowedError 405
├── NotAcceptableError 406         an answer format that cannot be given
├── RequestTimeoutError 408        the request itself did not arrive in time
├── ConflictError 409              it is in use, or the name is taken
├── PayloadTooLargeError 413
├── UnsupportedMediaError 415
├── InvalidFieldError 422          one field is wrong, and which
├── TooManyRequestsError 429       a rate limit, and when to come back
├── InternalError 500              opaque: the log has the rest
├── UpstreamError 502              a service answered nonsense
├── UnavailableError 503           not now, and when to come back
│   └── ShedError                  refused before anything was executed: repeatable anywhere
├── DeadlineError 504              the caller's time is over
└── DoesNotFitError 507            it does not fit in memory or on disk

Whatever is not in this tree becomes an opaque 500: the tree is the leak policy.
"""

from collections.abc import Mapping
from math import ceil
from typing import ClassVar

import orjson

JSON_CONTENT = "application/json"


class FleetError(Exception):
    """An error with a true HTTP status and a stable code.

    Args:
        detail: What exactly went wrong and what the caller can do; shown to the caller.
        code: Overrides the class's stable snake_case code.
        headers: Extra response headers.
        extra: Extra fields of the JSON body.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.headers: dict[str, str] = dict(headers or {})
        self.extra: dict[str, object] = dict(extra or {})


class BadRequestError(FleetError):
    status, default_code, title = 400, "bad_request", "Bad request"


class UnauthorizedError(FleetError):
    status, default_code, title = 401, "unauthorized", "Not authenticated"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail, code=code, headers={"WWW-Authenticate": "Bearer"})


class ForbiddenError(FleetError):
    status, default_code, title = 403, "forbidden", "Not allowed"


class NotFoundError(FleetError):
    status, default_code, title = 404, "not_found", "Not found"


class ModelNotFoundError(NotFoundError):
    default_code, title = "model_not_found", "Model not found"

    def __init__(self, name: str, hint: str = "") -> None:
        way = hint or (
            "POST /models/download fetches one from the hub; GET /models/available lists the "
            "catalogue, GET /models what is here."
        )
        super().__init__(f"There is no model named {name!r}. {way}")


class MethodNotAllowedError(FleetError):
    status, default_code, title = 405, "method_not_allowed", "Method not allowed"


class NotAcceptableError(FleetError):
    status, default_code, title = 406, "not_acceptable", "Not acceptable"


class RequestTimeoutError(FleetError):
    """The rest of the request may still come, so its connection is closed."""

    status, default_code, title = 408, "request_timeout", "Request did not arrive"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class ConflictError(FleetError):
    status, default_code, title = 409, "conflict", "Conflict"


class PayloadTooLargeError(FleetError):
    status, default_code, title = 413, "payload_too_large", "Too large"


class UnsupportedMediaError(FleetError):
    status, default_code, title = 415, "unsupported_media_type", "Unsupported media type"


class InvalidFieldError(FleetError):
    """A field is wrong; the detail begins with its name."""

    status, default_code, title = 422, "invalid_field", "Invalid request"

    def __init__(self, field: str, detail: str, *, code: str | None = None) -> None:
        super().__init__(f"{field}: {detail}", code=code, extra={"field": field})
        self.field = field


class TooManyRequestsError(FleetError):
    status, default_code, title = 429, "rate_limited", "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: float) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, ceil(retry_after_s)))})


class InternalError(FleetError):
    pass


class UpstreamError(FleetError):
    status, default_code, title = 502, "bad_upstream", "Bad answer from a service"


class UnavailableError(FleetError):
    status, default_code, title = 503, "unavailable", "Not available now"

    def __init__(
        self,
        detail: str,
        *,
        retry_after_s: float = 1.0,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        retry = {"Retry-After": str(max(1, ceil(retry_after_s)))}
        super().__init__(detail, code=code, headers=retry | dict(headers or {}), extra=extra)


class ShedError(UnavailableError):
    """Refused before anything was executed, so that repeating it elsewhere is safe."""

    default_code, title = "overloaded", "Overloaded"

    def __init__(self, detail: str, *, retry_after_s: float = 1.0, code: str | None = None) -> None:
        super().__init__(
            detail, retry_after_s=retry_after_s, code=code, headers={"x-fleet-shed": "1"}
        )


class DeadlineError(FleetError):
    status, default_code, title = 504, "deadline_exceeded", "Timed out"


class DoesNotFitError(FleetError):
    status, default_code, title = 507, "does_not_fit", "Does not fit"


def as_fleet_error(exc: BaseException) -> FleetError:
    """The error itself if it is in the tree, else an opaque 500."""
    if isinstance(exc, FleetError):
        return exc
    return InternalError("Something failed inside. The log has the details under this request id.")


def error_body(error: FleetError, request_id: str) -> dict[str, object]:
    """API.md's error object."""
    return {
        "success": False,
        "error": error.title,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
        **error.extra,
    }


def render_error(exc: BaseException, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and JSON body for any exception.

    Raises: nothing; an exception outside the tree is an opaque 500.
    """
    error = as_fleet_error(exc)
    headers = {"content-type": JSON_CONTENT, "x-request-id": request_id, **error.headers}
    return error.status, headers, orjson.dumps(error_body(error, request_id))
