"""Calls to the gateway, its errors as text for people."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from fleetserve.cli.context import Context
from fleetserve.cli.errors import CliError

CONNECT_TIMEOUT_S = 5.0
# A request may be held while its model is downloaded, and long audio takes its time.
ANSWER_TIMEOUT_S = 900.0


class Gateway:
    """A fleet's HTTP API. Every method raises CliError when the answer is not a success."""

    def __init__(self, context: Context) -> None:
        token = context.settings.token
        self._url = context.settings.url
        try:
            self._client = httpx.Client(
                base_url=self._url,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                transport=context.transport,
            )
        except httpx.InvalidURL as exc:
            raise CliError(f"{self._url} is not an address", str(exc)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, *, also: int | None = None) -> dict[str, Any]:
        """A JSON answer; ``also`` is a status that counts as a success too."""
        return _json(self._call("GET", path, also=also))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _json(self._call("POST", path, json=body))

    def upload(
        self, path: str, file: tuple[str, bytes], fields: Mapping[str, str]
    ) -> httpx.Response:
        return self._call("POST", path, files={"file": file}, data=dict(fields))

    def _call(
        self, method: str, path: str, *, also: int | None = None, **request: Any
    ) -> httpx.Response:
        with self._readable_failures():
            response = self._client.request(method, path, **request)
        if response.is_success or response.status_code == also:
            return response
        raise api_error(response)

    @contextmanager
    def _readable_failures(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise CliError(
                f"nothing answers at {self._url}",
                "Start the fleet with `make run` or `docker compose up -d`, or name another one "
                "with --url or FLEETSERVE_URL.",
            ) from None
        except httpx.TimeoutException:
            raise CliError(f"no answer from {self._url} within {ANSWER_TIMEOUT_S:.0f} s") from None
        except httpx.UnsupportedProtocol:
            raise CliError(
                f"{self._url} is not an address", "It begins with http:// or https://."
            ) from None
        except httpx.TransportError as exc:
            raise CliError(f"the connection to {self._url} broke", str(exc)) from None


def api_error(response: httpx.Response) -> CliError:
    """The API's error with its detail, or the plain status where something else answered."""
    status = f"{response.status_code} {response.reason_phrase}".strip()
    try:
        body = response.json()
    except json.JSONDecodeError:
        body = None
    if not isinstance(body, dict) or "error" not in body:
        return CliError(f"{response.request.url} answered {status}", response.text[:500])
    facts = [f"status {status}"]
    facts += [f"{key} {body[key]}" for key in ("code", "request_id") if body.get(key)]
    retry = response.headers.get("Retry-After")
    facts += [f"worth another try in {retry} s"] if retry else []
    return CliError(str(body["error"]), str(body.get("detail", "")), ", ".join(facts))


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except json.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise CliError(
            f"{response.request.url} answered something that is not a fleet's",
            "Is another program listening there?",
        )
    return body
