"""BentoML.  bentoml serve bentoml_server:Peer --port PORT

Source: BentoML's documentation on adaptive batching; uvloop and httptools are installed, as it
recommends for production.
"""

import os
from typing import Any

import bentoml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

SERVES = os.environ["SERVES"].split(",")
BATCH = 32
LATENCY_MS = 10_000

raw = Starlette()


async def tensor(request: Request) -> JSONResponse:
    from models import tensor_mean

    return JSONResponse({"output": tensor_mean(await request.body())})


raw.add_route("/", tensor, methods=["POST"])


@bentoml.asgi_app(raw, path="/tensor")
@bentoml.service(workers=1, traffic={"timeout": 60})
class Peer:
    def __init__(self) -> None:
        if "embed" in SERVES:
            from models import Embedder

            self.embedder = Embedder()

    @bentoml.api(route="/sum")
    async def sum(self, input: list[float]) -> dict[str, float]:
        return {"output": sum(input)}

    @bentoml.api(route="/embed", batchable=True, max_batch_size=BATCH, max_latency_ms=LATENCY_MS)
    def embed(self, inputs: list[str]) -> list[dict[str, Any]]:
        return [{"output": vector} for vector in self.embedder(inputs)]
