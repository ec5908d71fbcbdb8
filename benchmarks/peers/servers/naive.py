"""What one writes first: FastAPI, one thread, no batching.  uvicorn naive:app

Source: the FastAPI tutorial; `async def` keeps the forward passes from running against each
other in a thread pool, which measures worse.
"""

import os
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel

app = FastAPI()
SERVES = os.environ["SERVES"].split(",")

if "embed" in SERVES or "tensor" in SERVES:
    from models import Embedder, tensor_mean

if "embed" in SERVES:
    embedder = Embedder()


class Numbers(BaseModel):
    input: list[float]


class Text(BaseModel):
    input: str


@app.get("/health")
async def health() -> dict[str, bool]:
    return {"ready": True}


@app.post("/sum")
async def total(body: Numbers) -> dict[str, float]:
    return {"output": sum(body.input)}


@app.post("/embed")
async def embed(body: Text) -> dict[str, Any]:
    return {"output": embedder([body.input])[0]}


@app.post("/tensor")
async def tensor(request: Request) -> dict[str, float]:
    return {"output": tensor_mean(await request.body())}
