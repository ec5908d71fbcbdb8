"""The bodies of /autoscaler/…."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from autoscaler_svc.scaling import Order, ScaleAction
from fleetserve.config import AutoscalerConfig
from fleetserve.errors import InvalidFieldError

MOST = 10


class ScaleRequest(BaseModel):
    """A number of instances for a model, or an action."""

    model_config = ConfigDict(
        extra="forbid",
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {"model_name": "example", "target_instances": 2},
                {"action": "scale_up", "target_replicas": 3, "models": ["example"]},
            ]
        },
    )

    model_name: str | None = Field(None, min_length=1, description="A model of GET /models.")
    target_instances: int | None = Field(
        None, ge=0, le=MOST, description="Replicas that shall have it; 0: none until it is used."
    )
    action: ScaleAction | None = None
    target_replicas: int | None = Field(
        None, ge=0, le=MOST, description="For an action; left out: one more, or one less."
    )
    models: list[str] | None = Field(None, min_length=1, max_length=64)
    service: str | None = Field(
        None, description="inference-svc or audio-svc: its replicas, whatever they hold."
    )
    reason: str = Field("", max_length=500, description="Stands in the history.")
    force: bool = Field(False, description="Past max_replicas and the memory that is free.")
    wait: bool = Field(False, description="Answer when it is so.")

    def order(self) -> Order:
        """What it means. Raises: InvalidFieldError: two fields contradict each other."""
        models = tuple(self.models or ())
        if self.model_name is not None and self.model_name not in models:
            models = (self.model_name, *models)
        number, other = self.target_instances, self.target_replicas
        if number is None:
            number = other
        elif other is not None and other != number:
            raise InvalidFieldError(
                "target_replicas", "target_instances says another number; one is enough"
            )
        return Order(models, self.service, number, self.action, self.reason, self.force)


def _optional_config() -> type[BaseModel]:
    """The configuration's keys with their ranges, each of which may be left out or null."""
    fields: dict[str, Any] = {
        name: (info.annotation | None, Field(None, description=info.description))  # type: ignore[operator]
        for name, info in AutoscalerConfig.model_fields.items()
    }
    return create_model(
        "AutoscalerConfigRequest",
        __config__=ConfigDict(
            extra="forbid",
            json_schema_extra={"examples": [{"target_in_flight": 8, "max_replicas": 4}]},
        ),
        __doc__="Keys to set; null makes the file's value hold again.",
        **fields,
    )


ConfigRequest = _optional_config()
