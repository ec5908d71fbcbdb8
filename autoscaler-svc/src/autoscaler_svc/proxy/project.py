"""The containers that the proxy knows of: the replicas of one compose project."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from autoscaler_svc.container_clone import PROJECT_LABEL, SERVICE_LABEL, TEMPLATE_LABEL
from autoscaler_svc.orchestrator.base import MANAGED_BY, MANAGED_LABEL
from autoscaler_svc.proxy.calls import API_VERSION
from autoscaler_svc.proxy.engine.base import Engine, EngineAnswer
from autoscaler_svc.proxy.errors import EngineAwayError, RefusedError, UnknownContainerError

Labels = Mapping[str, str]
_COMPOSE_SERVICE = "com.docker.compose.service"


@dataclass(frozen=True, slots=True)
class Template:
    """``images`` are the names and the id of the image that it runs."""

    inspection: dict[str, Any]
    images: frozenset[str]


class Project:
    """Asks the engine anew each time: a label that was checked a moment ago is no proof.

    Args:
        name: Compose's name of the project.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name

    async def replicas(self) -> list[dict[str, Any]]:
        """The listing's entries of this project's replicas, running or not."""
        labels = [f"{PROJECT_LABEL}={self.name}", SERVICE_LABEL]
        filters = quote(orjson.dumps({"label": labels}).decode(), safe="")
        target = f"/v{API_VERSION}/containers/json?all=1&filters={filters}"
        listed = _loaded(await self._engine.call("GET", target))
        return [entry for entry in listed if self._is_replica(entry.get("Labels") or {})]

    async def replica(self, container: str) -> dict[str, Any]:
        """The inspection of one.

        Raises: UnknownContainerError: there is none of that id, or it is somebody else's.
        """
        answer = await self._engine.call("GET", f"/v{API_VERSION}/containers/{container}/json")
        found: dict[str, Any] = {} if answer.status == 404 else _loaded(answer)
        if not found or not self._is_replica(found["Config"].get("Labels") or {}):
            raise UnknownContainerError(f"No such container: {container}")
        return found

    async def template(self, service: str) -> Template:
        """The fleet's own container of that service; the newest, where there are several.

        Raises: RefusedError: there is none.
        """
        own = [e for e in await self.replicas() if is_template(e["Labels"], service)]
        if not own:
            raise RefusedError(f"there is no container of {service!r} to make another after")
        newest = max(own, key=lambda entry: entry["Created"])
        inspection = await self.replica(newest["Id"])
        images = frozenset({inspection["Image"], newest["ImageID"], newest["Image"]})
        return Template(inspection, images)

    def _is_replica(self, labels: Labels) -> bool:
        return labels.get(PROJECT_LABEL) == self.name and SERVICE_LABEL in labels


def is_managed(labels: Labels) -> bool:
    """It was made through this proxy."""
    return labels.get(MANAGED_LABEL) == MANAGED_BY


def is_template(labels: Labels, service: str) -> bool:
    """Compose made it, as the file says."""
    return (
        labels.get(SERVICE_LABEL) == service == labels.get(_COMPOSE_SERVICE)
        and TEMPLATE_LABEL in labels
        and MANAGED_LABEL not in labels
    )


def _loaded(answer: EngineAnswer) -> Any:
    if not answer.ok:
        raise EngineAwayError(f"The engine answered {answer.status}: {answer.body[:200]!r}")
    return orjson.loads(answer.body)
