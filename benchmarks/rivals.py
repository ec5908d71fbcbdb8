"""What the gateway and the replica are held against: a bare ASGI echo, a plain FastAPI endpoint."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

_ANSWER = b'{"result":15.0}'
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"15")]


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """The least that an ASGI server can do with a request: take it in, answer something."""
    if scope["type"] != "http":
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _ANSWER})


class Inputs(BaseModel):
    model_name: str
    inputs: list[float]


plain = FastAPI()


@plain.get("/")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@plain.post("/predict")
async def predict(body: Inputs) -> dict[str, float]:
    return {"result": sum(body.inputs)}
