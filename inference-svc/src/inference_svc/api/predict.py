"""POST /predict: reads the body, asks the predictor, writes the answer."""

from fleetserve.clock import Clock
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import Answer, ReplicaRequest, Timing, json_bytes
from inference_svc.api.predict_body import read_body
from inference_svc.api.text_answers import TextAnswers
from inference_svc.prediction import Ask, Prediction, Predictor

NO_PARAMETERS: dict[str, object] = {}


class PredictRoute:
    """The handler of the data plane."""

    def __init__(
        self, predictor: Predictor, texts: TextAnswers, clock: Clock, replica_id: str
    ) -> None:
        self._predictor = predictor
        self._texts = texts
        self._now_s = clock.monotonic_s
        self._replica_id = replica_id

    async def __call__(self, request: ReplicaRequest) -> Answer:
        ask = read_ask(request)
        if self._texts.takes(ask.model):
            return await self._texts.answer(request, ask)
        if ask.stream:
            raise InvalidFieldError(
                "stream", "only text generation streams; leave it out for this model"
            )
        prediction = await self._predictor.predict(ask)
        return self._render(request, prediction)

    def _render(self, request: ReplicaRequest, prediction: Prediction) -> Answer:
        begin_s = self._now_s()
        body = json_bytes(self._content(request, prediction, begin_s))
        timing = Timing(
            queue_ms=prediction.waited_ms,
            batch_ms=prediction.batch_ms,
            compute_ms=prediction.compute_ms,
            encode_ms=(self._now_s() - begin_s) * 1000,
        )
        prediction.usage.encode.add(self._now_s() - begin_s)
        return Answer(body, timing=timing, model=prediction.spec.name)

    def _content(
        self, request: ReplicaRequest, prediction: Prediction, now_s: float
    ) -> dict[str, object]:
        spec, info = prediction.spec, prediction.info
        content: dict[str, object] = {
            "success": True,
            "result": prediction.result,
            "processing_time": round(now_s - request.received_s, 6),
            "model_info": {
                "model": spec.name,
                "device": info.device,
                "task": spec.task,
                "revision": spec.revision,
                "dtype": info.dtype,
                "input_type": "batch" if prediction.batch else "single",
                "input_count": prediction.count,
            },
            "batch_info": {
                "batch_size": prediction.batch_size,
                "queue_ms": round(prediction.waited_ms + prediction.batch_ms, 3),
                "compute_ms": round(prediction.compute_ms, 3),
                "padded_fraction": round(prediction.padded_fraction, 4),
                "cold_start": prediction.cold_start,
                "replica": self._replica_id,
            },
        }
        if prediction.warnings:
            content["warnings"] = prediction.warnings
        return content


def read_ask(request: ReplicaRequest) -> Ask:
    """What a request asks for; the gateway's headers win over the body's fields.

    Raises: as read_body; InvalidFieldError: no model is named.
    """
    body = read_body(request.body, request.content_type)
    model = request.model or body.model_name or body.model
    if not model:
        raise InvalidFieldError("model_name", "is missing")
    request.limit_time(body.timeout)
    return Ask(
        model=model,
        inputs=body.inputs,
        parameters=body.parameters or NO_PARAMETERS,
        priority=body.priority if request.priority is None else request.priority,
        batching=body.enable_batching,
        size_bytes=len(request.body),
        received_s=request.received_s,
        deadline_s=request.deadline_s,
        stream=body.stream,
    )
