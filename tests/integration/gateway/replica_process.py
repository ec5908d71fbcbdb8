"""A small replica, run as a process of its own: what it does stands in each request's inputs.

    {"do": "answer"}             its id, and length and digest of the body
    {"do": "sleep", "s": 0.5}    the same, later
    {"do": "hang"}               nothing, until the client has left
    {"do": "die"}                ends the process as kill -9 does, before it answers
    {"do": "break", "type": …}   a body without a length that breaks off
    {"do": "large", "mib": 8}    a body of so many MiB, piece by piece

--sheds makes it refuse everything as a full replica does. /test/state tells what happened.
"""

import argparse
import asyncio
import hashlib
import os
import signal
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from fleetserve.announcements import Announcement, InstanceState, ModelInstance
from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import Message, Receive, Scope, Send, read_body, send_error, send_response
from fleetserve.errors import ShedError
from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.server import run_service
from fleetserve.settings import load_service_settings
from fleetserve.tasks import INFERENCE_SERVICE

MIB = 1024 * 1024


class TestReplica:
    def __init__(self, runtime: ServiceRuntime, models: tuple[str, ...], *, sheds: bool) -> None:
        self._runtime = runtime
        self._models = models
        self._sheds = sheds
        self._control = wrap_control(create_app(runtime, title="test replica"))
        self._in_flight = 0
        self._happened: Counter[str] = Counter()
        runtime.describe = self._describe

    def _describe(self, base: Announcement) -> Announcement:
        instances = tuple(ModelInstance(m, "r", InstanceState.READY) for m in self._models)
        return msgspec.structs.replace(
            base, models=instances, in_flight=self._in_flight, capacity=64, device="cpu"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/test/state":
            state = {**self._happened, "in_flight": self._in_flight}
            await send_response(send, 200, [], orjson.dumps(state))
        elif scope["type"] == "http" and scope["path"] == "/predict":
            self._in_flight += 1
            try:
                await self._predict(scope, receive, send)
            finally:
                self._in_flight -= 1
        else:
            await self._control(scope, receive, send)

    async def _predict(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {k.decode(): v.decode("latin-1") for k, v in scope["headers"]}
        self._runtime.verifier.check(headers.get("x-fleet-token"))
        if self._sheds:
            self._happened["shed"] += 1
            await send_error(send, ShedError("full", retry_after_s=2.0), headers["x-request-id"])
            return
        body = await read_body(receive, 200 * MIB)
        self._happened["begun"] += 1
        inputs = orjson.loads(body)["inputs"]
        wanted: Mapping[str, Any] = inputs if isinstance(inputs, dict) else {"do": "answer"}
        act = getattr(self, f"_{wanted['do']}")
        await act(wanted, receive, send, self._about(headers, body))

    def _about(self, headers: Mapping[str, str], body: bytes) -> bytes:
        return orjson.dumps(
            {
                "success": True,
                "replica": self._runtime.settings.replica_id,
                "size": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "headers": headers,
            }
        )

    async def _answer(self, _: Any, __: Receive, send: Send, about: bytes) -> None:
        told = [
            (b"content-type", b"application/json"),
            (b"server-timing", b"compute;dur=1.5"),
            (b"x-fleet-in-flight", b"%d" % (self._in_flight - 1)),
        ]
        await send_response(send, 200, told, about)

    async def _sleep(self, wanted: Any, receive: Receive, send: Send, about: bytes) -> None:
        await asyncio.sleep(wanted["s"])
        await self._answer(wanted, receive, send, about)

    async def _hang(self, _: Any, receive: Receive, __: Send, ___: bytes) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._happened["left"] += 1

    async def _die(self, *_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    async def _break(self, wanted: Any, _: Receive, send: Send, __: bytes) -> None:
        kind = wanted["type"].encode()
        await send(_start([(b"content-type", kind)]))
        await send(_piece(b"data: 1\n\n"))
        await send(_piece(b"data: 2\n\n"))
        # Returning here makes the server close the connection in the middle of the body.

    async def _large(self, wanted: Any, _: Receive, send: Send, __: bytes) -> None:
        await send(_start([(b"content-type", b"application/octet-stream")]))
        for _number in range(wanted["mib"]):
            await send(_piece(b"x" * MIB))
            self._happened["mib_sent"] += 1
        await send({"type": "http.response.body", "body": b""})


def _start(headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _piece(content: bytes) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": True}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sheds", action="store_true")
    parser.add_argument("--drain-s", type=float, default=2.0)
    options = parser.parse_args()
    runtime = make_runtime(load_service_settings(INFERENCE_SERVICE))
    app = TestReplica(runtime, ("example",), sheds=options.sheds)
    run_service(app, runtime, drain_s=options.drain_s, unix_door=True)


if __name__ == "__main__":
    main()
