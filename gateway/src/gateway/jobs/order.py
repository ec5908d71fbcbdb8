"""What a caller says about a job, beside the request itself: headers and two fields."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from fleetserve.errors import InvalidFieldError

MAX_KEY = 255
WEBHOOK_FIELD = "webhook_url"
_RESPOND_ASYNC = re.compile(rb"(?:^|,)\s*respond-async\s*(?:$|[,;])", re.IGNORECASE)
_KEY = re.compile(rb'[\x21-\x7e]{1,%d}|"[\x20-\x7e]{1,%d}"' % (MAX_KEY, MAX_KEY))


@dataclass(frozen=True, slots=True)
class JobOrder:
    """How a request becomes a job.

    Attributes:
        principal: Whose it is; "" while auth is off.
        has_token: The body carries a credential, which must not be stored.
    """

    principal: str
    priority: int = 0
    idempotency_key: str | None = None
    webhook_url: str | None = None
    has_token: bool = False


def wants_async(headers: Mapping[bytes, bytes]) -> bool:
    """Whether ``Prefer: respond-async`` was sent (RFC 7240)."""
    prefer = headers.get(b"prefer")
    return prefer is not None and _RESPOND_ASYNC.search(prefer) is not None


def idempotency_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The header of that name.

    Raises: InvalidFieldError: too long, or with characters that no header has.
    """
    given = headers.get(b"idempotency-key")
    if given is None:
        return None
    if not _KEY.fullmatch(given):
        raise InvalidFieldError(
            "Idempotency-Key", f"it must be 1 to {MAX_KEY} visible ASCII characters"
        )
    return given.decode("ascii")


def webhook_in_query(query: bytes) -> str | None:
    """The field, for bodies that can't carry it."""
    pairs = parse_qsl(query.decode("latin-1")) if query else []
    return next((value for name, value in pairs if name == WEBHOOK_FIELD), None)


def without_job_fields(query: bytes) -> str:
    """The query as the replayed request has it."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else []
    return urlencode(
        [(name, value) for name, value in pairs if name not in (WEBHOOK_FIELD, "token")]
    )
