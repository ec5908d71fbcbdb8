"""mosec, whose front end is written in Rust.  python mosec_server.py --port PORT

Source: mosec's documentation (multiple routes, dynamic batching, JSON by msgspec's mixin).
"""

import os
from typing import Any

from mosec import Runtime, Server, Worker

SERVES = os.environ["SERVES"].split(",")
BATCH = 32
WAIT_MS = 10


class Sum(Worker):
    def forward(self, data: dict[str, Any]) -> dict[str, float]:
        return {"output": sum(data["input"])}


class Embed(Worker):
    def __init__(self) -> None:
        from models import Embedder

        self.embedder = Embedder()

    def forward(self, data: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"output": vector} for vector in self.embedder([one["input"] for one in data])]


class Tensor(Worker):
    def __init__(self) -> None:
        from models import tensor_mean

        self.mean = tensor_mean

    def deserialize(self, data: bytes) -> bytes:
        return data

    def forward(self, data: bytes) -> dict[str, float]:
        return {"output": self.mean(data)}


if __name__ == "__main__":
    server = Server()
    routes: dict[str, list[Runtime]] = {}
    if "sum" in SERVES:
        routes["/sum"] = [Runtime(Sum, num=1)]
    if "embed" in SERVES:
        routes["/embed"] = [Runtime(Embed, num=1, max_batch_size=BATCH, max_wait_time=WAIT_MS)]
    if "tensor" in SERVES:
        routes["/tensor"] = [Runtime(Tensor, num=1)]
    server.register_runtime(routes)
    server.run()
