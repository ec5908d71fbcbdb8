"""POST /predict on a model that writes: the whole texts, or one in pieces as events."""

from collections.abc import AsyncIterator
from typing import Any

from fleetserve.clock import Clock
from fleetserve.replica.event_stream import EVENT_HEADERS, EVENTS, end_with_error, event_bytes
from fleetserve.replica.exchange import Answer, ReplicaRequest, Timing, json_bytes
from fleetserve.replica.pool import ModelPool
from fleetserve.tasks import Task
from inference_svc.generation.base import TokenLogprob
from inference_svc.prediction import Ask, error_entry
from inference_svc.served import Served
from inference_svc.texts.access import OpenGenerator
from inference_svc.texts.writer import Text, Texts, TextWriter


class TextAnswers:
    """Event loop only."""

    def __init__(
        self, pool: ModelPool[Served], writer: TextWriter, clock: Clock, replica_id: str
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._now_s = clock.monotonic_s
        self._replica_id = replica_id

    def takes(self, model: str) -> bool:
        """Raises: as ModelPool.find."""
        return self._pool.find(model).task == Task.TEXT_GENERATION

    async def answer(self, request: ReplicaRequest, ask: Ask) -> Answer:
        if ask.stream:
            events = end_with_error(request, self._events(request, ask))
            return Answer(events, content_type=EVENTS, headers=EVENT_HEADERS, model=ask.model)
        texts = await self._writer.predict(ask)
        begin_s = self._now_s()
        done = [one for one in texts.outcomes if isinstance(one, Text)]
        timing = _timing(request.received_s, done)
        content = self._content(request, texts.opened, done, timing, batch=texts.batch)
        content["model_info"]["input_count"] = len(texts.outcomes)
        content["result"] = _results(texts)
        body = json_bytes(content)
        timing.encode_ms = (self._now_s() - begin_s) * 1000
        return Answer(body, timing=timing, model=ask.model)

    async def _events(self, request: ReplicaRequest, ask: Ask) -> AsyncIterator[bytes]:
        async with self._writer.stream(ask) as opened:
            text = opened.text
            async for piece in opened.pieces:
                text.add(piece)
                if piece.text or piece.logprobs:
                    yield event_bytes("token", _token(piece.text, piece.tokens, piece.logprobs))
            timing = _timing(request.received_s, [text])
            content = self._content(request, opened.opened, [text], timing, batch=False)
            content["result"] = result_of(text)
            yield event_bytes("done", content)

    def _content(
        self,
        request: ReplicaRequest,
        opened: OpenGenerator,
        done: list[Text],
        timing: Timing,
        *,
        batch: bool,
    ) -> dict[str, Any]:
        """API.md's answer, but for the result."""
        spec, info = opened.spec, opened.generator.info
        return {
            "success": True,
            "result": None,
            "processing_time": round(self._now_s() - request.received_s, 6),
            "model_info": {
                "model": spec.name,
                "device": info.device,
                "task": spec.task,
                "revision": spec.revision,
                "dtype": info.dtype,
                "input_type": "batch" if batch else "single",
                "input_count": 1,
            },
            "batch_info": {
                "batch_size": max((one.note.batch_size for one in done), default=0),
                "queue_ms": round((timing.queue_ms or 0.0) + (timing.batch_ms or 0.0), 3),
                "compute_ms": round(timing.compute_ms or 0.0, 3),
                "padded_fraction": 0.0,
                "cold_start": opened.cold,
                "replica": self._replica_id,
                "first_token_ms": _first_token_ms(request.received_s, done),
                "tokens_per_s": _rate(done),
            },
        }


def result_of(text: Text) -> dict[str, Any]:
    """One text, with the names that users of transformers know."""
    assert text.finish_reason is not None, "it is finished"
    prompt, written = len(text.prompt.ids), text.tokens
    found: dict[str, Any] = {
        "generated_text": _full(text) if text.choices.full_text else text.completion,
        "finish_reason": text.finish_reason,
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
        },
    }
    if text.choices.top_logprobs is not None:
        found["logprobs"] = [_logprob(one) for one in text.logprobs]
    return found


def _full(text: Text) -> object:
    """The prompt and the completion: of a chat, its messages and the answer to them."""
    if isinstance(text.source, str):
        return text.source + text.completion
    return [*text.source, {"role": "assistant", "content": text.completion}]


def _results(texts: Texts) -> object:
    found = [
        result_of(one) if isinstance(one, Text) else error_entry(one, place)
        for place, one in enumerate(texts.outcomes)
    ]
    return found if texts.batch else found[0]


def _token(text: str, tokens: int, logprobs: tuple[TokenLogprob, ...]) -> dict[str, Any]:
    content: dict[str, Any] = {"text": text, "tokens": tokens}
    if logprobs:
        content["logprobs"] = [_logprob(one) for one in logprobs]
    return content


def _logprob(one: TokenLogprob) -> dict[str, Any]:
    found: dict[str, Any] = {"id": one.id, "token": one.text, "logprob": round(one.logprob, 6)}
    if one.top:
        found["top"] = [_logprob(other) for other in one.top]
    return found


def _timing(received_s: float, done: list[Text]) -> Timing:
    """Of several texts the first that was handed over and begun, and the longest at work."""
    notes = [one.note for one in done]
    submitted_s = min((n.submitted_s for n in notes if n.submitted_s), default=received_s)
    started_s = min((n.started_s for n in notes if n.started_s), default=submitted_s)
    return Timing(
        queue_ms=(submitted_s - received_s) * 1000,
        batch_ms=(started_s - submitted_s) * 1000,
        compute_ms=max((n.compute_s for n in notes), default=0.0) * 1000,
    )


def _first_token_ms(received_s: float, done: list[Text]) -> float | None:
    first = [one.note.first_token_s for one in done if one.note.first_token_s is not None]
    return round((min(first) - received_s) * 1000, 3) if first else None


def _rate(done: list[Text]) -> float | None:
    """Tokens of all texts over the time from the first step to the last."""
    started = [one.note.started_s for one in done if one.note.started_s is not None]
    ended = [one.note.ended_s for one in done if one.note.ended_s is not None]
    if not started or not ended or max(ended) <= min(started):
        return None
    return round(sum(one.tokens for one in done) / (max(ended) - min(started)), 2)
