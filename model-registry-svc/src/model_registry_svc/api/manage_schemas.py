"""The bodies of /models/manage, as they are on the wire."""

from typing import Any, Literal

from fastapi.openapi.models import Example
from pydantic import BaseModel, ConfigDict, Field

from model_registry_svc.managing import ManageAction, ManageOrder

# Ten years; whoever wants longer means never.
LONGEST_S = 10 * 365 * 24 * 3600.0
NEVER = -1.0
_NAME = "all-MiniLM-L6-v2"
MANAGE_EXAMPLES: dict[str, Example] = {
    "load": {"value": {"action": "load", "model_name": _NAME, "wait": True}},
    "leave after ten minutes": {"value": {"model_name": _NAME, "keep_alive": 600}},
    "update": {"value": {"action": "update", "model_name": _NAME}},
}


class ManageBody(BaseModel):
    """What to do with a model."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    action: ManageAction | None = Field(
        None, description="May be left out where only keep_alive is set."
    )
    model_name: str = Field(
        min_length=1, max_length=128, description="A model of GET /models.", examples=[_NAME]
    )
    keep_alive: float | None = Field(
        None,
        ge=NEVER,
        le=LONGEST_S,
        allow_inf_nan=False,
        description="Seconds unused after which it leaves; 0: after each use, -1: never, null: "
        "as the configuration says (autoscaler.model_idle_s).",
    )
    revision: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="For update: another branch, tag or commit than it was fetched by.",
    )
    wait: bool = Field(False, description="Answer when it is so.")

    def order(self) -> ManageOrder:
        """What the domain calls it."""
        keep_alive_s = self.keep_alive
        if keep_alive_s is not None and keep_alive_s < 0:
            keep_alive_s = NEVER
        return ManageOrder(
            name=self.model_name,
            action=self.action,
            sets_keep_alive="keep_alive" in self.model_fields_set,
            keep_alive_s=keep_alive_s,
            wait=self.wait,
            revision=self.revision,
        )


_ANSWER: dict[str, Any] = {
    "success": True,
    "action": "load",
    "model_name": _NAME,
    "status": "loaded",
    "message": f"{_NAME} is loaded on inference-svc-1.",
    "replicas": ["inference-svc-1"],
    "pinned": False,
    "keep_alive": 600.0,
    "revision": "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    "previous_revision": None,
    "download_id": None,
    "memory_freed_mb": None,
}


class ManageAnswer(BaseModel):
    """What became of it."""

    model_config = ConfigDict(protected_namespaces=(), json_schema_extra={"examples": [_ANSWER]})

    success: Literal[True] = True
    action: ManageAction | None
    model_name: str
    status: str = Field(
        description="loaded, loading, unloaded, unloading, pinned, unpinned, recorded, "
        "up_to_date, updating, updated, rolling_back, rolled_back, downloading or completed."
    )
    message: str
    replicas: list[str] = Field(description="Where it was done.")
    pinned: bool
    keep_alive: float | None = Field(description="null: as the configuration says.")
    revision: str | None = Field(description="That is served now.")
    previous_revision: str | None = Field(description="What rollback goes back to.")
    download_id: str | None = Field(description="For GET /models/download/status/{id}.")
    memory_freed_mb: float | None = Field(
        description="What an unload gave back: the replicas' memory before, less that after."
    )
