"""Replicas and the autoscaler over HTTP, with the fleet's own tokens."""

from urllib.parse import quote

import httpx2 as httpx

from fleetserve.announcements import Announcement
from fleetserve.errors import (
    ConflictError,
    DoesNotFitError,
    FleetError,
    InvalidFieldError,
    NotFoundError,
    UnavailableError,
    UpstreamError,
)
from fleetserve.tokens import TOKEN_HEADER, TokenSigner
from model_registry_svc.fleet_calls.base import NoAnswerError

CONNECT_TIMEOUT_S = 2.0
TIMEOUT_S = 30.0
LOAD_TIMEOUT_S = 300.0

_ERRORS: dict[int, type[FleetError]] = {
    404: NotFoundError,
    409: ConflictError,
    503: UnavailableError,
    507: DoesNotFitError,
}


class HttpFleetCalls:
    """``transport`` is where calls go instead; for tests."""

    def __init__(
        self, signer: TokenSigner, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._signer = signer
        self._client = httpx.Client(transport=transport, trust_env=False)

    def load(self, replica: Announcement, name: str, revision: str, *, wait: bool) -> bool:
        path = _path(name, revision) + ("?wait=true" if wait else "")
        return self._call("PUT", replica, path, LOAD_TIMEOUT_S) == httpx.codes.OK

    def stage(self, replica: Announcement, name: str, revision: str) -> bool:
        path = f"{_path(name, revision)}?stage=true"
        return self._call("PUT", replica, path) == httpx.codes.OK

    def unload(self, replica: Announcement, name: str, revision: str) -> int | None:
        return _freed(self._send("DELETE", replica, _path(name, revision), TIMEOUT_S))

    def leaving(self, replica: Announcement, name: str, revision: str) -> int | None:
        path = f"{_path(name, revision)}/leaving"
        return _freed(self._send("GET", replica, path, TIMEOUT_S))

    def read_pins(self, replica: Announcement) -> None:
        self._call("POST", replica, "/internal/pins")

    def forget(self, autoscaler: Announcement, name: str) -> None:
        self._call("DELETE", autoscaler, f"/internal/floors/{quote(name, safe='')}")

    def close(self) -> None:
        self._client.close()

    def _call(
        self, method: str, called: Announcement, path: str, timeout_s: float = TIMEOUT_S
    ) -> int:
        """The status of a success."""
        return self._send(method, called, path, timeout_s).status_code

    def _send(
        self, method: str, called: Announcement, path: str, timeout_s: float
    ) -> httpx.Response:
        try:
            response = self._client.request(
                method,
                f"{called.address}{path}",
                headers={TOKEN_HEADER: self._signer.token_for(called.service)},
                timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            )
        except httpx.HTTPError as exc:
            reason = str(exc) or type(exc).__name__
            raise NoAnswerError(f"{called.replica_id} does not answer: {reason}") from exc
        if not response.is_success:
            raise _error(called, response)
        return response


def _freed(response: httpx.Response) -> int | None:
    """None while it is held."""
    if response.status_code != httpx.codes.OK:
        return None
    return int(response.json()["freed_bytes"])


def _path(name: str, revision: str) -> str:
    return f"/internal/models/{quote(f'{name}@{revision}', safe='@')}"


def _error(called: Announcement, response: httpx.Response) -> FleetError:
    try:
        told = response.json()
        detail, code, field = str(told["detail"]), str(told["code"]), str(told.get("field", ""))
    except (ValueError, KeyError, TypeError):
        detail, code, field = f"it answered {response.status_code}", "bad_upstream", ""
    if response.status_code == httpx.codes.UNPROCESSABLE_CONTENT and field:
        return InvalidFieldError(field, detail.removeprefix(f"{field}: "), code=code)
    error = _ERRORS.get(response.status_code, UpstreamError)
    return error(f"{called.replica_id}: {detail}", code=code)
