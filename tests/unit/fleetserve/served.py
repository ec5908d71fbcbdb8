"""A small service, run as a process of its own by test_server.

    python served.py DRAIN_S

/hold answers after SIGUSR1; every other path answers at once. The head of a request may take 1 s.
"""

import asyncio
import signal
import sys
from dataclasses import dataclass, field

from fleetserve import http_protocol
from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App, Receive, Scope, Send, send_response
from fleetserve.runtime import make_runtime
from fleetserve.server import run_service
from fleetserve.settings import load_service_settings


@dataclass
class Holding:
    control: App
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.released.set)
            await self.control(scope, receive, send)
            return
        if scope["path"] == "/hold":
            await self.released.wait()
        await send_response(send, 200, [], scope["path"].encode())


def main() -> None:
    http_protocol.HEAD_S = 1.0
    runtime = make_runtime(load_service_settings("gateway"))
    control = wrap_control(create_app(runtime, title="served"))
    run_service(Holding(control), runtime, drain_s=float(sys.argv[1]), unix_door=True)


if __name__ == "__main__":
    main()
