"""/internal/optimize: the gateway has this replica measure a model."""

from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from fleetserve.errors import InvalidFieldError, NotFoundError
from fleetserve.replica.exchange import JSON_CONTENT
from inference_svc.inputs import explain
from inference_svc.optimization.runs import Run, Wish
from inference_svc.optimization.tolerance import Tolerance

if TYPE_CHECKING:  # It takes torch, which is imported in the loader's thread.
    from inference_svc.optimization.optimizer import Optimizer

LONGEST_WAIT_S = 30.0
optimize_router = APIRouter(prefix="/internal/optimize", include_in_schema=False)


class OptimizeBody(msgspec.Struct, frozen=True):
    candidates: tuple[str, ...] | None = None
    tolerance: Tolerance = Tolerance()


_decode = msgspec.json.Decoder(OptimizeBody).decode


@optimize_router.post("/{instance}")
async def start(request: Request, instance: str) -> Response:
    """Begins to measure name@revision, or joins who does. 202 with how far it is."""
    name, _, revision = instance.rpartition("@")
    if not name or not revision:
        raise NotFoundError(f"{instance!r} is not name@revision.")
    try:
        body = _decode(await request.body() or b"{}")
    except msgspec.ValidationError as exc:
        raise InvalidFieldError(*explain(exc, "")) from None
    wish = Wish(body.candidates, body.tolerance)
    return _told(await _optimizer(request).start(name, revision, wish))


@optimize_router.get("/{name}")
async def follow(
    request: Request,
    name: str,
    wait_s: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)] = 0.0,
) -> Response:
    """How far it is: 200 once it is finished, 202 until then."""
    return _told(await _optimizer(request).find(name, wait_s))


@optimize_router.delete("/{name}")
async def cancel(request: Request, name: str) -> Response:
    """Stops it if it goes on."""
    await _optimizer(request).cancel(name)
    return Response(b'{"success":true}', media_type=JSON_CONTENT)


def _optimizer(request: Request) -> "Optimizer":
    optimizer: Optimizer = request.app.state.optimizer()
    return optimizer


def _told(run: Run) -> Response:
    status = 200 if run.state.finished else 202
    return Response(msgspec.json.encode(run.view()), status_code=status, media_type=JSON_CONTENT)
