"""The fields that every request of the audio routes may carry, whatever it asks for."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import ReplicaRequest

MAX_TIMEOUT_S = 86_400.0
Names = tuple[str, str]


class RoutedBody(BaseModel):
    """Fields are refused where they are not known: what is ignored in silence is a lie.

    token and webhook_url are the gateway's, which passes on the body as it came.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_name: str = ""
    token: str | None = Field(None, repr=False)
    webhook_url: str | None = Field(None, repr=False)
    priority: Annotated[int, Field(ge=0, le=10)] = 0
    timeout: Annotated[float, Field(gt=0, le=MAX_TIMEOUT_S)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _join_names(cls, fields: Any) -> Any:
        """Clients of the older style write model for model_name."""
        return join_names(fields, ("model_name", "model"))


def join_names(fields: Any, names: Names) -> Any:
    """One field that may be written under either name.

    Raises: InvalidFieldError: both are there and differ.
    """
    name, other = names
    if not isinstance(fields, dict) or other not in fields:
        return fields
    rest = {key: value for key, value in fields.items() if key != other}
    if name in rest and rest[name] != fields[other]:
        raise InvalidFieldError(name, f"is the same field as {other}, and they differ")
    return rest | {name: fields[other]}


def model_name_of(request: ReplicaRequest, body: RoutedBody) -> str:
    """The gateway's word, else the body's.

    Raises: InvalidFieldError: nobody names a model.
    """
    name = request.model or body.model_name
    if not name:
        raise InvalidFieldError("model_name", "is missing")
    return name


def priority_of(request: ReplicaRequest, body: RoutedBody) -> int:
    return body.priority if request.priority is None else request.priority
