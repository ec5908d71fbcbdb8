"""KServe V2: /v2/infer runs a model, /v2/model describes it; the model is in a header."""

from fleetserve.clock import Clock
from fleetserve.errors import BadRequestError, NotFoundError
from fleetserve.replica.exchange import Answer, ReplicaRequest, Timing, json_bytes
from fleetserve.replica.models import ModelSpec
from inference_svc.open_inference.request import InferRequest, decompress, read_request
from inference_svc.open_inference.response import HEAD_LENGTH, write_response
from inference_svc.open_inference.signature import (
    describe,
    inputs_of,
    outputs_of,
    read_inputs,
    write_outputs,
)
from inference_svc.prediction import Ask, Predictor

PLATFORM = "pytorch"


class InferRoute:
    """The handler of inference requests.

    Args:
        largest_body: Bytes that a compressed body may become.
    """

    def __init__(self, predictor: Predictor, clock: Clock, largest_body: int) -> None:
        self._predictor = predictor
        self._now_s = clock.monotonic_s
        self._largest_body = largest_body

    async def __call__(self, request: ReplicaRequest) -> Answer:
        headers = request.headers
        raw = decompress(request.body, headers.get(b"content-encoding"), self._largest_body)
        asked = read_request(raw, headers.get(HEAD_LENGTH))
        handle, cold = await self._predictor.open(model_of(request))
        with handle as served:
            check_version(request, handle.spec)
            inputs = read_inputs(asked.inputs, served.engine.info)
            ask = _ask(request, asked, inputs)
            prediction = await self._predictor.run(ask, handle, served, cold)
        begin_s = self._now_s()
        outputs = write_outputs(prediction.result, prediction.info, batch=prediction.batch)
        response = write_response(asked, handle.spec.name, handle.spec.revision, outputs)
        timing = Timing(
            queue_ms=prediction.waited_ms,
            batch_ms=prediction.batch_ms,
            compute_ms=prediction.compute_ms,
            encode_ms=(self._now_s() - begin_s) * 1000,
        )
        return Answer(
            response.body,
            content_type=response.content_type,
            headers=response.headers,
            timing=timing,
            model=handle.spec.name,
        )


class DescribeRoute:
    """The handler of metadata requests; the truth is the loaded model's, so it is loaded."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    async def __call__(self, request: ReplicaRequest) -> Answer:
        handle, _ = await self._predictor.open(model_of(request))
        with handle as served:
            check_version(request, handle.spec)
            info = served.engine.info
        content = {
            "name": handle.spec.name,
            "versions": [handle.spec.revision],
            "platform": PLATFORM,
            "inputs": [describe(spec) for spec in inputs_of(info)],
            "outputs": [describe(spec) for spec in outputs_of(info)],
        }
        return Answer(json_bytes(content), model=handle.spec.name)


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
