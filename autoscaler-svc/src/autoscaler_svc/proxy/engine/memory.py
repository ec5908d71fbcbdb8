"""An engine of a few containers, for tests: it does as it is told and checks nothing."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from autoscaler_svc.proxy.engine.base import EngineAnswer
from autoscaler_svc.proxy.errors import EngineAwayError

_JSON = "application/json"


class MemoryEngine:
    """``containers`` are inspections by id; ``calls`` is what it was asked, oldest first."""

    def __init__(self, *containers: dict[str, Any]) -> None:
        self.containers = {container["Id"]: container for container in containers}
        self.calls: list[tuple[str, str]] = []
        self.created: list[dict[str, Any]] = []
        self.away = False

    async def call(
        self, method: str, target: str, body: bytes = b"", *, timeout_s: float = 30.0
    ) -> EngineAnswer:
        del timeout_s
        if self.away:
            raise EngineAwayError("The engine is away.")
        self.calls.append((method, target))
        parts = urlsplit(target)
        path = parts.path.split("/", 2)[-1] if parts.path.startswith("/v") else parts.path[1:]
        if path == "_ping":
            return EngineAnswer(200, "text/plain", b"OK")
        if path == "containers/json":
            return _json(200, self._listing(parse_qs(parts.query)))
        if path == "containers/create":
            return self._create(orjson.loads(body))
        return self._on_one(method, *path.split("/")[1:])

    def _listing(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        wanted = orjson.loads(query["filters"][0])["label"] if "filters" in query else []
        return [
            {
                "Id": c["Id"],
                "Image": c["Config"]["Image"],
                "ImageID": c["Image"],
                "Labels": c["Config"]["Labels"],
                "State": c["State"]["Status"],
                "Created": 0,
            }
            for c in self.containers.values()
            if all(_has(c["Config"]["Labels"], label) for label in wanted)
        ]

    def _create(self, body: dict[str, Any]) -> EngineAnswer:
        made = f"{len(self.containers):064x}"
        self.created.append(body)
        config = {"Labels": body["Labels"], "Image": body["Image"], "Env": body["Env"]}
        self.containers[made] = {
            "Id": made,
            "Image": body["Image"],
            "Config": config,
            "HostConfig": body["HostConfig"],
            "State": {"Status": "created"},
            "NetworkSettings": {"Networks": body["NetworkingConfig"]["EndpointsConfig"]},
        }
        return _json(201, {"Id": made, "Warnings": []})

    def _on_one(self, method: str, container: str, verb: str = "") -> EngineAnswer:
        if container not in self.containers:
            return _json(404, {"message": f"No such container: {container}"})
        if verb == "json":
            return _json(200, self.containers[container])
        if method == "DELETE":
            del self.containers[container]
        else:
            status = "running" if verb == "start" else "exited"
            self.containers[container]["State"] = {"Status": status}
        return EngineAnswer(204)


def _has(labels: dict[str, str], wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return name in labels and (not equals or labels[name] == value)


def _json(status: int, content: Any) -> EngineAnswer:
    return EngineAnswer(status, _JSON, orjson.dumps(content))
