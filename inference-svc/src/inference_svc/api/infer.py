"""KServe V2: /v2/infer runs a model, /v2/model describes it; the model is in a header."""

import asyncio
from collections.abc import Mapping

from fleetserve.clock import Clock
from fleetserve.errors import BadRequestError, FleetError, NotFoundError
from fleetserve.replica.exchange import Answer, ReplicaRequest, Timing, json_bytes
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.pool import ModelPool
from fleetserve.tasks import Task
from inference_svc.batcher import ServedModel
from inference_svc.engine.base import EngineInfo, InputKind, TensorSpec
from inference_svc.open_inference.compression import (
    SMALLEST,
    compress,
    decompress,
    wanted_encoding,
)
from inference_svc.open_inference.datatypes import Array
from inference_svc.open_inference.request import InferRequest, read_request
from inference_svc.open_inference.response import HEAD_LENGTH, write_response
from inference_svc.open_inference.signature import (
    describe,
    inputs_of,
    outputs_of,
    read_inputs,
    write_outputs,
)
from inference_svc.prediction import INLINE_BYTES, Ask, Predictor
from inference_svc.served import Served
from inference_svc.texts.writer import Text, TextWriter

PLATFORM = "pytorch"
# A model that writes, as a model of V2.
WRITER = EngineInfo(
    InputKind.TEXT, rank=0, device="", dtype="", outputs=(TensorSpec("generated_text", "bytes"),)
)


class InferRoute:
    """The handler of inference requests.

    Args:
        largest_body: Bytes that a compressed body may become.
    """

    def __init__(
        self,
        pool: ModelPool[Served],
        predictor: Predictor,
        writer: TextWriter,
        clock: Clock,
        largest_body: int,
    ) -> None:
        self._pool = pool
        self._predictor = predictor
        self._writer = writer
        self._now_s = clock.monotonic_s
        self._largest_body = largest_body

    async def __call__(self, request: ReplicaRequest) -> Answer:
        headers = request.headers
        raw = decompress(request.body, headers.get(b"content-encoding"), self._largest_body)
        asked = read_request(raw, headers.get(HEAD_LENGTH))
        spec = self._pool.find(model_of(request))
        check_version(request, spec)
        if spec.task == Task.TEXT_GENERATION:
            answer = await self._write(request, asked)
        else:
            answer = await self._predict(request, asked)
        return await _compressed(answer, wanted_encoding(headers.get(b"accept-encoding")))

    async def _predict(self, request: ReplicaRequest, asked: InferRequest) -> Answer:
        async with self._predictor.use(model_of(request)) as used:
            inputs = read_inputs(asked.inputs, used.served.engine.info)
            prediction = await self._predictor.run(_ask(request, asked, inputs), used)
        begin_s = self._now_s()
        outputs = write_outputs(prediction.result, prediction.info, batch=prediction.batch)
        timing = Timing(
            queue_ms=prediction.waited_ms,
            batch_ms=prediction.batch_ms,
            compute_ms=prediction.compute_ms,
        )
        answer = _answer(asked, used.spec, outputs, timing)
        timing.encode_ms = (self._now_s() - begin_s) * 1000
        prediction.usage.encode.add(timing.encode_ms / 1000)
        return answer

    async def _write(self, request: ReplicaRequest, asked: InferRequest) -> Answer:
        """A model that writes: its completions, without the prompts."""
        inputs = read_inputs(asked.inputs, WRITER)
        texts = await self._writer.predict(_ask(request, asked, inputs))
        for text in texts.outcomes:
            if isinstance(text, FleetError):
                raise text
        results = [text.completion for text in texts.outcomes if isinstance(text, Text)]
        outputs = write_outputs(results, WRITER, batch=True)
        return _answer(asked, texts.opened.spec, outputs, None)


class DescribeRoute:
    """The handler of metadata requests; the truth is the loaded model's, so it is loaded."""

    def __init__(self, pool: ModelPool[Served]) -> None:
        self._pool = pool

    async def __call__(self, request: ReplicaRequest) -> Answer:
        handle = await self._pool.get(model_of(request))
        spec = handle.spec
        check_version(request, spec)
        with handle as served:
            info = served.engine.info if isinstance(served, ServedModel) else WRITER
        content = {
            "name": spec.name,
            "versions": [spec.revision],
            "platform": PLATFORM,
            "inputs": [describe(spec) for spec in inputs_of(info)],
            "outputs": [describe(spec) for spec in outputs_of(info)],
        }
        return Answer(json_bytes(content), model=spec.name)


def model_of(request: ReplicaRequest) -> str:
    """Raises: BadRequestError: somebody other than a gateway asks."""
    if not request.model:
        raise BadRequestError("X-Fleet-Model is missing; gateways set it.")
    return request.model


def check_version(request: ReplicaRequest, spec: ModelSpec) -> None:
    """Raises: NotFoundError: another version of the model is what is here."""
    asked = request.headers.get(b"x-fleet-version", b"").decode("latin-1")
    if asked and asked != spec.revision:
        raise NotFoundError(
            f"{spec.name} has no version {asked}; there is {spec.revision}.",
            code="revision_not_found",
        )


def _answer(
    asked: InferRequest, spec: ModelSpec, outputs: Mapping[str, Array], timing: Timing | None
) -> Answer:
    response = write_response(asked, spec.name, spec.revision, outputs)
    return Answer(
        response.body,
        content_type=response.content_type,
        headers=response.headers,
        timing=timing,
        model=spec.name,
    )


async def _compressed(answer: Answer, encoding: bytes | None) -> Answer:
    body = answer.body
    if encoding is None or not isinstance(body, bytes) or len(body) < SMALLEST:
        return answer
    if len(body) <= INLINE_BYTES:
        answer.body = compress(body, encoding)
    else:
        answer.body = await asyncio.to_thread(compress, body, encoding)
    answer.headers = (*answer.headers, (b"content-encoding", encoding))
    return answer


def _ask(request: ReplicaRequest, asked: InferRequest, inputs: object) -> Ask:
    return Ask(
        model=request.model or "",
        inputs=inputs,
        parameters=asked.parameters,
        priority=request.priority or 0,
        batching=True,
        size_bytes=len(request.body),
        received_s=request.received_s,
        deadline_s=request.deadline_s,
        partial=False,
    )
