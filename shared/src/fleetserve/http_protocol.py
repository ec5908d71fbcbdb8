"""uvicorn's HTTP protocol with a cheaper way through a request, and heads that must come.

uvicorn waits for the head of a request as long as it takes, so that whoever opens connections and
sends nothing, or a byte now and then, keeps them.
"""

import urllib.parse
from collections import deque
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fleetserve.asgi import Scope
from fleetserve.http_cycle import Cycle

# Long enough for a browser that opens a connection before it has a use for it.
HEAD_S = 20.0


class HttpProtocol(HttpToolsProtocol):
    """Given to uvicorn as ``http=``; its server calls ``check_head`` now and then.

    What makes connections, ends them and turns them into WebSockets is uvicorn's.
    """

    cycle: Any  # Cycle | None; uvicorn's own attribute is of its own class.
    # The request before the awaited one (None: there was none), whether anything of that has come,
    # and since when it is awaited.
    _awaited: tuple[Cycle | None, bool, float] | None = None
    _idle = False
    _upgrades = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fixed_head = b"".join(
            b"%b: %b\r\n" % header for header in self.config.encoded_headers
        )
        self._running: Cycle | None = None
        self._later: deque[Cycle] = deque()

    def connection_lost(self, exc: Exception | None) -> None:
        for cycle in (self._running, *self._later):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.wake()
        self._later.clear()
        self.cycle = None
        super().connection_lost(exc)

    # httptools

    def on_headers_complete(self) -> None:
        parser = self.parser
        scope: Scope = self.scope  # type: ignore[assignment]  # As uvicorn's own are typed.
        http_version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        if http_version != "1.1":
            scope["http_version"] = http_version
        self._upgrades = parser.should_upgrade() and self._should_upgrade()
        if self._upgrades:
            return
        raw_path, query = _split(self.url)
        path = raw_path.decode("ascii")
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        before = self.cycle
        self.cycle = Cycle(
            scope,
            self.transport,
            self.flow,
            self._fixed_head,
            keep_alive=http_version != "1.0" and parser.should_keep_alive(),
            expects_continue=self.expect_100_continue,
            on_complete=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start(self.cycle)
        else:
            # It came before the answer to the one before.
            self.flow.pause_reading()
            self._later.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if self._upgrades or cycle.response_complete:
            return
        cycle.arrived(body)
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        cycle = self.cycle
        if self._upgrades or cycle.response_complete:
            return
        cycle.more_body = False
        cycle.wake()

    def on_response_complete(self) -> None:
        """As uvicorn's, without its timer for each request: ``check_head`` sees it in passing."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._idle = True
        self.flow.resume_reading()
        if self._later:
            self._start(self._later.popleft())

    def _start(self, cycle: Cycle) -> None:
        self._running = cycle
        task = self.loop.create_task(cycle.run(self.app))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _unset_keepalive_if_required(self) -> None:
        # uvicorn calls it when something has come.
        self._idle = False

    def check_head(self, now_s: float) -> None:
        """Closes the connection where a request's head has taken HEAD_S, and one long unused."""
        if not (self.cycle is None or self.cycle.response_complete):
            self._awaited = None
        elif self._awaited is None or self._awaited[:2] != (self.cycle, self._idle):
            self._awaited = (self.cycle, self._idle, now_s)
        elif now_s - self._awaited[2] >= (self.timeout_keep_alive if self._idle else HEAD_S):
            self.transport.close()


def _split(url: bytes) -> tuple[bytes, bytes]:
    """Path and query of a request's target. Raises: httptools.HttpParserInvalidURLError."""
    if url[:1] == b"/" and b"#" not in url:
        path, _, query = url.partition(b"?")
        return path, query
    parsed = httptools.parse_url(url)
    return parsed.path or b"", parsed.query or b""
