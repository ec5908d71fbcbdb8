"""POST /v1/embeddings, as OpenAI's clients ask for vectors."""

import base64
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import Answer, ReplicaRequest, Timing, json_bytes
from fleetserve.tasks import Task
from inference_svc.api.openai_body import decode_body
from inference_svc.inputs import TokenIds, kind_of
from inference_svc.prediction import Ask, Prediction, Predictor

TASKS = frozenset({Task.FEATURE_EXTRACTION, Task.SENTENCE_SIMILARITY})
MOST_INPUTS = 2048  # OpenAI's own bound.


class EmbeddingsBody(msgspec.Struct):
    model: str
    input: Any
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0


_decode = msgspec.json.Decoder(EmbeddingsBody).decode


class EmbeddingsRoute:
    """The handler of the data plane."""

    def __init__(self, predictor: Predictor, clock: Clock) -> None:
        self._predictor = predictor
        self._now_s = clock.monotonic_s

    async def __call__(self, request: ReplicaRequest) -> Answer:
        body = decode_body(_decode, request)
        inputs = _texts(body.input)
        async with self._predictor.use(request.model or body.model) as used:
            if used.spec.task not in TASKS:
                raise InvalidFieldError(
                    "model", f"{body.model} is a model for {used.spec.task}; it embeds no text"
                )
            prediction = await self._predictor.run(_ask(request, body, inputs), used)
        begin_s = self._now_s()
        content = json_bytes(_content(body, prediction))
        timing = Timing(
            queue_ms=prediction.waited_ms,
            batch_ms=prediction.batch_ms,
            compute_ms=prediction.compute_ms,
            encode_ms=(self._now_s() - begin_s) * 1000,
        )
        prediction.usage.encode.add(self._now_s() - begin_s)
        return Answer(content, timing=timing, model=prediction.spec.name)


def _texts(given: object) -> list[Any]:
    """Strings and token arrays, one or several.

    Raises: InvalidFieldError: named ``input``.
    """
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list):
        raise InvalidFieldError("input", f"takes a string, tokens or a list, not {kind_of(given)}")
    if not given:
        raise InvalidFieldError("input", "is an empty list")
    if isinstance(given[0], int):
        return [_tokens(given, "input")]
    if len(given) > MOST_INPUTS:
        raise InvalidFieldError("input", f"has {len(given)} entries; at most {MOST_INPUTS}")
    return [
        one if isinstance(one, str) else _tokens(one, f"input[{index}]")
        for index, one in enumerate(given)
    ]


def _tokens(given: object, field: str) -> TokenIds:
    try:
        return TokenIds(msgspec.convert(given, list[int]))
    except msgspec.ValidationError:
        raise InvalidFieldError(field, "takes a string or a list of token ids") from None


def _ask(request: ReplicaRequest, body: EmbeddingsBody, inputs: list[Any]) -> Ask:
    return Ask(
        model=request.model or body.model,
        inputs=inputs,
        parameters={"dimensions": body.dimensions} if body.dimensions is not None else {},
        priority=body.priority if request.priority is None else request.priority,
        batching=True,
        size_bytes=len(request.body),
        received_s=request.received_s,
        deadline_s=request.deadline_s,
        partial=False,
    )


def _content(body: EmbeddingsBody, prediction: Prediction) -> dict[str, object]:
    vectors: Any = prediction.result
    coded = _base64 if body.encoding_format == "base64" else _same
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": coded(vector)}
            for index, vector in enumerate(vectors)
        ],
        "model": body.model,
        "usage": {"prompt_tokens": prediction.length, "total_tokens": prediction.length},
    }


def _base64(vector: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(vector, dtype="<f4").tobytes()).decode()


def _same(vector: Any) -> Any:
    return np.ascontiguousarray(vector)
