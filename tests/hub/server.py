"""The hub server: two ports (hub and CDN) on an event loop in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from aiohttp import web

from tests.hub.access import bearer_token, hub_error, not_found, refuse_reading, refuse_token
from tests.hub.addresses import Address, parse_address
from tests.hub.api import answer_api
from tests.hub.control import Control
from tests.hub.downloads import Downloads, Redirects
from tests.hub.faults import Fault, FaultBook
from tests.hub.folders import open_folder
from tests.hub.records import RequestLog, RequestRecord
from tests.hub.repo import HubRepo, RepoKind

# Bounds what the kernel takes for a client that is gone, so that bytes_sent stays near the truth.
SEND_BUFFER_BYTES = 128 * 1024
USER_TOKEN = "hf_fleetservetest"


@dataclass(slots=True)
class HubServer:
    """A hub on bind:port, used as a context manager; stop and start keep the ports.

    given: repositories to serve; more by add, at any time.
    root: a folder whose ROOT/<org>/<name> (ROOT/datasets/…, ROOT/spaces/…) are repositories, opened
        when first asked for.
    tokens: the tokens the hub knows; a repository's allowed says who may read it if it is gated.
    """

    given: Iterable[HubRepo] = ()
    root: Path | None = None
    bind: str = "127.0.0.1"
    port: int = 0
    cdn_port: int = 0
    redirects: Redirects = "cdn"
    tokens: frozenset[str] = frozenset({USER_TOKEN})
    faults: FaultBook = field(default_factory=FaultBook, init=False)
    log: RequestLog = field(default_factory=RequestLog, init=False)
    _repos: dict[tuple[RepoKind, str], HubRepo] = field(default_factory=dict, init=False)
    _downloads: Downloads = field(init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _stopping: asyncio.Event = field(init=False)

    def __post_init__(self) -> None:
        self._downloads = Downloads(self.faults, self.redirects)
        for repo in self.given:
            self.add(repo)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is set to."""
        host = "127.0.0.1" if self.bind == "0.0.0.0" else self.bind
        return f"http://{host}:{self.port}"

    def add(self, repo: HubRepo) -> HubRepo:
        self._repos[(repo.kind, repo.id)] = repo
        return repo

    def fail(self, fault: Fault) -> None:
        self.faults.add(fault)

    def repos(self) -> list[HubRepo]:
        return list(self._repos.values())

    def find(self, kind: RepoKind, repo_id: str) -> HubRepo | None:
        """The repository, opened from root when it is first asked for."""
        repo = self._repos.get((kind, repo_id))
        if repo is None and self.root is not None:
            repo = open_folder(self.root, kind, repo_id)
            if repo is not None:
                self.add(repo)
        return repo

    def start(self) -> None:
        """Listen; returns when both ports take connections."""
        sockets = [_listen(self.bind, self.port), _listen(self.bind, self.cdn_port)]
        self.port, self.cdn_port = (sock.getsockname()[1] for sock in sockets)
        self._downloads.cdn_port = self.cdn_port
        loop = asyncio.new_event_loop()
        self.faults.loop, self._stopping = loop, asyncio.Event()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=_run, args=(loop, self._serve(sockets, ready)), name="hub", daemon=True
        )
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Close both ports and every connection."""
        if self._thread is None or self.faults.loop is None:
            return
        self.faults.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None

    async def _serve(self, sockets: list[socket.socket], ready: threading.Event) -> None:
        app = web.Application()
        Control(self.faults, self.log, self.find, self.repos).add_routes(app)
        app.router.add_route("*", "/{tail:.*}", self.answer)
        # Cancellation ends a stalled answer when its client leaves.
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        for sock in sockets:
            await web.SockSite(runner, sock).start()
        ready.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        address = parse_address(request.rel_url.raw_path)
        record = self.log.add(_record(request, address))
        response = await self._answer(request, address, record)
        record.status = response.status
        if isinstance(response, web.Response):
            record.complete = True
        return response

    async def _answer(
        self, request: web.Request, address: Address | None, record: RequestRecord
    ) -> web.StreamResponse:
        token = bearer_token(request.headers.get("Authorization"))
        if request.path == "/api/whoami-v2":
            return _whoami(token, self.tokens)
        if address is None or request.method not in {"GET", "HEAD", "POST"}:
            return hub_error(404, None, "Not Found")
        if failed := self._failed(address, record):
            return failed
        repo = await asyncio.to_thread(self.find, address.kind, address.repo_id)
        if address.where == "cdn" and repo is not None:
            return await self._downloads.cdn(request, repo, address, record)
        if refused := refuse_token(token, self.tokens):
            return refused
        if repo is None:
            return not_found(token)
        if refused := refuse_reading(repo, token, files=address.where == "resolve"):
            return refused
        if address.where == "resolve":
            return await self._downloads.resolve(request, repo, address, record)
        return await answer_api(request, repo, address)

    def _failed(self, address: Address, record: RequestRecord) -> web.Response | None:
        names = (f"{address.repo_id}/{address.path}", address.path, record.path)
        fault = self.faults.status_for(address.where, names)
        if fault is None:
            return None
        wait = {} if fault.retry_after_s is None else {"Retry_After": str(fault.retry_after_s)}
        return hub_error(fault.status, None, "A fault asked for by the test", **wait)


def _record(request: web.Request, address: Address | None) -> RequestRecord:
    return RequestRecord(
        number=0,
        method=request.method,
        where=address.where if address else "other",
        path=request.path,
        repo=address.repo_id if address else "",
        file=address.path if address and address.where != "api" else "",
        range=request.headers.get("Range"),
        if_match=request.headers.get("If-Match"),
        authorized="Authorization" in request.headers,
        user_agent=request.headers.get("User-Agent", ""),
    )


def _whoami(token: str | None, known: frozenset[str]) -> web.Response:
    if token not in known:
        return hub_error(401, None, "Invalid username or password.")
    return web.json_response({"type": "user", "name": "fleetserve-test", "orgs": []})


def _listen(bind: str, port: int) -> socket.socket:
    sock = socket.create_server((bind, port), backlog=128)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    return sock


def _run(loop: asyncio.AbstractEventLoop, serving: Coroutine[None, None, None]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(serving)
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
