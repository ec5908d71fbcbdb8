"""/config: what is in force, and where each value came from."""

from typing import Any

from fastapi import APIRouter, Request

from fleetserve.app import runtime_of
from gateway.api.answers import ConfigAnswer
from gateway.replica_table import ReplicaTable

config_router = APIRouter(tags=["core"])


@config_router.get("/config", response_model=ConfigAnswer, summary="The effective configuration")
async def config(request: Request) -> dict[str, Any]:
    settings = runtime_of(request).settings
    table: ReplicaTable = request.app.state.table
    values = settings.config.model_dump(mode="json")
    sources = settings.sources
    return {
        "success": True,
        "configuration": {
            section: {
                key: {"value": value, "source": sources.get(f"{section}.{key}", "default")}
                for key, value in keys.items()
            }
            for section, keys in values.items()
        },
        "inference_config": {
            "device_type": values["inference"]["device"],
            "batch_size": values["batch"]["max_size"],
            "use_fp16": any(m.dtype == "float16" for r in table.all() for m in r.announced.models),
            "enable_profiling": values["inference"]["enable_profiling"],
        },
        "server_config": values["server"],
        "logging_config": values["logging"],
    }
