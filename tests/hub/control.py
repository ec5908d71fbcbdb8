"""/_hub: faults, requests and pushes over HTTP, for tests whose server is in a container."""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, ValidationError

from tests.hub.faults import Fault, FaultBook
from tests.hub.records import RequestLog
from tests.hub.repo import HubRepo, RepoKind


class Push(BaseModel):
    """files: path to base64; alter: paths that get a version with one other byte."""

    model_config = ConfigDict(extra="forbid")

    repo: str
    kind: RepoKind = RepoKind.MODEL
    files: dict[str, str] = {}
    remove: list[str] = []
    alter: list[str] = []
    branch: str = "main"


@dataclass(frozen=True, slots=True)
class Control:
    """The control routes of one server."""

    faults: FaultBook
    log: RequestLog
    find: Callable[[RepoKind, str], HubRepo | None]
    repos: Callable[[], list[HubRepo]]

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/_hub/health", self.healthy)
        app.router.add_get("/_hub/faults", self.list_faults)
        app.router.add_post("/_hub/faults", _checked(self.add_fault))
        app.router.add_delete("/_hub/faults", self.clear_faults)
        app.router.add_get("/_hub/requests", self.list_requests)
        app.router.add_delete("/_hub/requests", self.clear_requests)
        app.router.add_post("/_hub/push", _checked(self.push))
        app.router.add_get("/_hub/repos", self.list_repos)

    async def healthy(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def list_faults(self, _: web.Request) -> web.Response:
        return web.json_response([fault.model_dump(mode="json") for fault in self.faults.all()])

    async def add_fault(self, request: web.Request) -> web.StreamResponse:
        fault = Fault.model_validate_json(await request.read())
        self.faults.add(fault)
        return web.json_response(fault.model_dump(mode="json"), status=201)

    async def clear_faults(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return web.Response(status=204)

    async def list_requests(self, _: web.Request) -> web.Response:
        return web.json_response(self.log.as_json())

    async def clear_requests(self, _: web.Request) -> web.Response:
        self.log.clear()
        return web.Response(status=204)

    async def push(self, request: web.Request) -> web.StreamResponse:
        wanted = Push.model_validate_json(await request.read())
        repo = self.find(wanted.kind, wanted.repo)
        if repo is None:
            return web.json_response({"error": f"no repository {wanted.repo}"}, status=404)
        files: dict[str, bytes] = {p: base64.b64decode(b) for p, b in wanted.files.items()}
        if files or wanted.remove:
            repo.push(files, remove=wanted.remove, branch=wanted.branch)
        for path in wanted.alter:
            repo.alter(path, wanted.branch)
        return web.json_response({"sha": repo.commit(wanted.branch).sha}, status=201)

    async def list_repos(self, _: web.Request) -> web.Response:
        repos = [{"id": r.id, "kind": r.kind, "sha": r.sha, "refs": r.refs} for r in self.repos()]
        return web.json_response(repos)


def _checked(handler: Handler) -> Handler:
    async def checked(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ValidationError as error:
            return web.Response(status=422, text=error.json(), content_type="application/json")

    return checked
