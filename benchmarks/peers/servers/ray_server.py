"""Ray Serve with its HAProxy ingress.  python ray_server.py PORT

Source: Ray Serve's guides on performance tuning, dynamic batching and HAProxy.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

SERVES = os.environ["SERVES"].split(",")
BATCH = 32
WAIT_S = 0.01
PATHS = {"models": os.path.dirname(os.path.abspath(__file__))}


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 0.1})
class Sum:
    async def __call__(self, request: Request) -> dict[str, float]:
        return {"output": sum((await request.json())["input"])}


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 1})
class Embed:
    def __init__(self) -> None:
        sys.path.insert(0, PATHS["models"])
        from models import Embedder

        self.embedder = Embedder()

    @serve.batch(max_batch_size=BATCH, batch_wait_timeout_s=WAIT_S)
    async def embed(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self.embedder, texts)

    async def __call__(self, request: Request) -> dict[str, Any]:
        return {"output": await self.embed((await request.json())["input"])}


@serve.deployment(num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 0.1})
class Tensor:
    def __init__(self) -> None:
        sys.path.insert(0, PATHS["models"])
        from models import tensor_mean

        self.mean = tensor_mean

    async def __call__(self, request: Request) -> dict[str, float]:
        return {"output": self.mean(await request.body())}


def main() -> None:
    ray.init(include_dashboard=False, log_to_driver=False, num_cpus=2)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    for name, deployment in (("sum", Sum), ("embed", Embed), ("tensor", Tensor)):
        if name in SERVES:
            serve.run(deployment.bind(), name=name, route_prefix=f"/{name}")
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
