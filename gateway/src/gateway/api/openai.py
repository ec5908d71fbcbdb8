"""GET /v1/models, as OpenAI's clients list them."""

from typing import Any

from fastapi import APIRouter, Request

from fleetserve.model_records import ModelRecord, ModelState
from gateway.api.openai_schemas import OpenaiModel, OpenaiModels
from gateway.known_models import KnownModels

openai_router = APIRouter(prefix="/v1", tags=["compatible"])


@openai_router.get("/models", response_model=OpenaiModels, summary="OpenAI: every model")
async def list_models(request: Request) -> dict[str, Any]:
    """Models that are here, and other names of theirs."""
    known = _known(request)
    found = [(record.name, record) for record in known.records()]
    found += [(alias, target.record) for alias, target in known.aliases()]
    return {
        "object": "list",
        "data": [
            _entry(name, record)
            for name, record in sorted(found, key=lambda pair: pair[0])
            if record.state is ModelState.READY
        ],
    }


@openai_router.get("/models/{model:path}", response_model=OpenaiModel, summary="OpenAI: one model")
async def show_model(request: Request, model: str) -> dict[str, Any]:
    return _entry(model, _known(request).find(model).record)


def _known(request: Request) -> KnownModels:
    models: KnownModels = request.app.state.models
    return models


def _entry(name: str, record: ModelRecord) -> dict[str, Any]:
    """``root`` is the model behind another name; ``task`` is ours."""
    owner, slash, _ = record.model_id.partition("/")
    return {
        "id": name,
        "object": "model",
        "created": int(record.created_at),
        "owned_by": owner if slash else record.source,
        "root": record.name,
        "task": record.task,
    }
