"""Triton's extensions of V2 that are not offered: each says so, and what there is instead."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

from fastapi import APIRouter

from fleetserve.errors import BadRequestError

v2_unoffered_router = APIRouter(prefix="/v2", tags=["compatible"], include_in_schema=False)

TRACES = (
    "Traces are not set here. server-timing in each answer tells where its time went, and"
    " GET /v2/models/{model}/stats what all of them took."
)
LOGGING = (
    "Logging is not set while the server runs: LOG_LEVEL sets it at the start, GET /config tells"
    " it, and GET /logs lists the files."
)
SHARED_MEMORY = (
    "Shared memory is not offered: replicas need not run where the client does. Send tensors with"
    " binary_data=True; they are read in place."
)
UNOFFERED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "/trace/setting": (TRACES, ("GET", "POST")),
    "/models/{model}/trace/setting": (TRACES, ("GET", "POST")),
    "/logging": (LOGGING, ("GET", "POST")),
    **{
        f"/{kind}sharedmemory/{path}": (SHARED_MEMORY, (method,))
        for kind in ("system", "cuda")
        for path, method in (
            ("status", "GET"),
            ("region/{name}/status", "GET"),
            ("region/{name}/register", "POST"),
            ("unregister", "POST"),
            ("region/{name}/unregister", "POST"),
        )
    },
}


def _refusal(reason: str) -> Callable[[], Awaitable[NoReturn]]:
    async def refuse() -> NoReturn:
        raise BadRequestError(reason, code="not_offered")

    return refuse


for _path, (_reason, _methods) in UNOFFERED.items():
    v2_unoffered_router.add_api_route(
        _path, _refusal(_reason), methods=list(_methods), response_model=None
    )
