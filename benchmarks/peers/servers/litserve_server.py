"""LitServe.  python litserve_server.py PORT

Source: LitServe's documentation on batching, multiple endpoints and performance (fast_queue is
for several workers; uvicorn's own loop and parser are used).
"""

import os
import sys
from typing import Any

import litserve
from fastapi import Request

SERVES = os.environ["SERVES"].split(",")
BATCH = 32
WAIT_S = 0.01


class Sum(litserve.LitAPI):
    def setup(self, device: str) -> None:
        del device

    def decode_request(self, request: dict[str, Any]) -> list[float]:
        numbers: list[float] = request["input"]
        return numbers

    def predict(self, x: list[float]) -> float:
        return sum(x)

    def encode_response(self, output: float) -> dict[str, float]:
        return {"output": output}


class Embed(litserve.LitAPI):
    def setup(self, device: str) -> None:
        from models import Embedder

        del device
        self.embedder = Embedder()

    def decode_request(self, request: dict[str, Any]) -> str:
        text: str = request["input"]
        return text

    def batch(self, inputs: list[str]) -> list[str]:
        return list(inputs)

    def predict(self, x: list[str]) -> list[list[float]]:
        return self.embedder(x)

    def unbatch(self, output: list[list[float]]) -> list[list[float]]:
        return output

    def encode_response(self, output: list[float]) -> dict[str, Any]:
        return {"output": output}


class Tensor(litserve.LitAPI):
    def setup(self, device: str) -> None:
        from models import tensor_mean

        del device
        self.mean = tensor_mean

    def decode_request(self, request: Request) -> bytes:
        content: bytes = request["content"].file.read()
        return content

    def predict(self, x: bytes) -> float:
        return self.mean(x)

    def encode_response(self, output: float) -> dict[str, float]:
        return {"output": output}


if __name__ == "__main__":
    apis: list[litserve.LitAPI] = []
    if "sum" in SERVES:
        apis.append(Sum(api_path="/sum"))
    if "embed" in SERVES:
        apis.append(Embed(max_batch_size=BATCH, batch_timeout=WAIT_S, api_path="/embed"))
    if "tensor" in SERVES:
        apis.append(Tensor(api_path="/tensor"))
    server = litserve.LitServer(
        apis if len(apis) > 1 else apis[0], accelerator="cpu", workers_per_device=1
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error"
    )
