"""The engine as its callers see it: typed calls over its Unix socket."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from fleetserve.errors import (
    ConflictError,
    FleetError,
    InvalidFieldError,
    NotFoundError,
    UnavailableError,
    UpstreamError,
)
from fleetserve.supervisor.specs import ProcessList, ProcessSpec, ProcessView

TIMEOUT_S = 5.0
# A stop answers when the process has ended; the engine's own grace periods are below this.
STOP_TIMEOUT_S = 120.0

_decode_list = msgspec.json.Decoder(ProcessList).decode
_decode_view = msgspec.json.Decoder(ProcessView).decode
_decode_error = msgspec.json.Decoder(dict[str, Any]).decode


class EngineClient:
    """Creates, lists, stops and removes processes of a local fleet.

    Every method raises UnavailableError when no engine answers at the socket. Safe for
    concurrent use within one event loop.

    Args:
        socket_path: FLEETSERVE_ENGINE_SOCKET, or ``engine_socket`` of a home's engine.json.
        transport: Where requests go instead; for tests.
    """

    def __init__(
        self, socket_path: Path, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._socket_path = socket_path
        self._client = httpx.AsyncClient(
            transport=transport or httpx.AsyncHTTPTransport(uds=str(socket_path)),
            base_url="http://engine",
            timeout=TIMEOUT_S,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()

    async def create(self, spec: ProcessSpec) -> ProcessView:
        """Starts one more process; it is ready later, as ``state`` tells.

        Raises: InvalidFieldError: nothing like that can be created. ConflictError: the replica
            id is taken.
        """
        body = msgspec.json.encode(spec)
        return _view(await self._call("POST", "/processes", content=body))

    async def list(self, labels: Mapping[str, str] | None = None) -> "list[ProcessView]":
        """Processes that have all these labels, in the order of their creation."""
        wanted = [f"{name}={value}" for name, value in (labels or {}).items()]
        response = await self._call("GET", "/processes", params={"label": wanted})
        return _decode_list(response.content).processes

    async def inspect(self, process_id: str) -> ProcessView:
        """Raises: NotFoundError: no process has this id or replica id."""
        return _view(await self._call("GET", f"/processes/{process_id}"))

    async def stop(self, process_id: str, grace_s: float | None = None) -> ProcessView:
        """Returns when it has ended: SIGTERM, then SIGKILL after ``grace_s``. Idempotent.

        Raises: NotFoundError: there is no such process.
        """
        params = {} if grace_s is None else {"grace_s": grace_s}
        timeout_s = STOP_TIMEOUT_S + (grace_s or 0.0)
        path = f"/processes/{process_id}/stop"
        return _view(await self._call("POST", path, params=params, timeout=timeout_s))

    async def remove(self, process_id: str, *, force: bool = False) -> None:
        """Forgets a process that has ended; ``force`` kills it before.

        Raises: NotFoundError: there is no such process. ConflictError: it runs.
        """
        await self._call("DELETE", f"/processes/{process_id}", params={"force": str(force).lower()})

    async def logs(self, process_id: str, tail: int = 100) -> str:
        """The last lines that it printed.

        Raises: NotFoundError: there is no such process.
        """
        return (
            await self._call("GET", f"/processes/{process_id}/logs", params={"tail": tail})
        ).text

    async def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = await self._client.request(method, path, **request)
        except httpx.HTTPError as exc:
            raise UnavailableError(
                f"No engine answers at {self._socket_path}: {exc or type(exc).__name__}"
            ) from None
        if response.is_success:
            return response
        raise _error(response)


def _view(response: httpx.Response) -> ProcessView:
    return _decode_view(response.content)


def _error(response: httpx.Response) -> FleetError:
    try:
        body = _decode_error(response.content)
    except msgspec.DecodeError:
        body = {}
    detail = str(body.get("detail", f"The engine answered {response.status_code}."))
    code = body.get("code")
    match response.status_code:
        case 404:
            return NotFoundError(detail, code=code)
        case 409:
            return ConflictError(detail, code=code)
        case 422:
            field = str(body.get("field", "body"))
            return InvalidFieldError(field, detail.removeprefix(f"{field}: "), code=code)
        case 503:
            return UnavailableError(detail, code=code)
        case _:
            return UpstreamError(detail, code=code)
