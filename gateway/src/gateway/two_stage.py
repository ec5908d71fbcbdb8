"""Voices of two stages: a model rewrites the text, a speech model says what it wrote.

The two are served by different services, which don't know each other, so it is the gateway that
asks one after the other: two ordinary exchanges within one deadline.
"""

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import orjson

from fleetserve.clock import Clock
from fleetserve.errors import FleetError, InvalidFieldError, UpstreamError
from fleetserve.tasks import Task
from gateway.bodies import Body
from gateway.exchange import MODEL_HEADER, Exchange, Fetch
from gateway.first_use import find_or_offer
from gateway.known_models import KnownModels, Target
from gateway.relayed_errors import error_of
from gateway.reply import Replies, Reply
from gateway.two_stage_answer import TextStage, tell_stages
from gateway.two_stage_body import StagedOrder, read_order
from gateway.upstream.base import BrokenAnswerError

JSON = ("content-type", "application/json")
FALLBACK = "tiny_tts"  # It comes with Fleetserve.
_STAGE_HEADERS = frozenset({"x-request-id", "x-fleet-priority"})
_SPEECH_HEADERS = _STAGE_HEADERS | {"accept"}
# The task's own name for what it wrote.
_WRITTEN = ("summary_text", "translation_text", "generated_text")


@dataclass(frozen=True, slots=True)
class SpeechChoice:
    """Which model speaks for those that only write.

    Attributes:
        default: A model or an alias.
    """

    models: KnownModels
    default: str

    def choose(self, asked: str, *, may_fetch: bool) -> tuple[Target, Fetch | None]:
        """The model that was asked for, else the first of the default's that is here.

        Raises: as find_or_offer; InvalidFieldError: it does not speak by itself.
        """
        fetch = None
        if asked:
            target, fetch = find_or_offer(self.models, asked, may_fetch=may_fetch)
        else:
            target = self.models.ready(self.default) or self.models.find(FALLBACK)
        if target.record.task != Task.TEXT_TO_SPEECH:
            raise InvalidFieldError(
                "speech_model",
                f"{target.record.name} is a model for {target.record.task} and does not speak by"
                " itself; GET /tts/health lists those that do",
            )
        return target, fetch


class TwoStageVoices:
    """Answers exchanges marked ``two_stage``; passes all others on. On the event loop.

    Args:
        fleet: Answers one exchange.
        max_chars: Of the caller's text.
    """

    def __init__(self, fleet: Replies, speech: SpeechChoice, clock: Clock, max_chars: int) -> None:
        self._fleet = fleet
        self._speech = speech
        self._clock = clock
        self._max_chars = max_chars

    def reply_to(self, exchange: Exchange) -> AbstractAsyncContextManager[Reply]:
        """See Dispatcher.

        Raises also: whatever one of the stages answers; ``stage`` of the error says which.
        """
        return self._speak(exchange) if exchange.two_stage else self._fleet.reply_to(exchange)

    @contextlib.asynccontextmanager
    async def _speak(self, exchange: Exchange) -> AsyncIterator[Reply]:
        assert exchange.model is not None
        assert exchange.body is not None
        order = read_order(exchange.target, exchange.body, self._max_chars)
        speaker, fetch = self._speech.choose(order.speech_model, may_fetch=exchange.may_fetch)
        with _stage("text", exchange.model_name):
            written = await self._write(exchange, exchange.model, order)
        with _stage("speech", speaker.record.name):
            spoken = self._spoken(exchange, order, speaker, written)
            spoken.fetch, spoken.may_fetch = fetch, exchange.may_fetch
            async with self._fleet.reply_to(spoken) as reply:
                exchange.upstream = spoken.upstream
                exchange.attempts += spoken.attempts
                if reply.status >= 400:
                    raise error_of(reply.status, reply.headers, await _whole(reply))
                if reply.media_type == b"application/json":
                    await _whole(reply)
                await tell_stages(reply, written, spoken.model or speaker)
                yield reply

    async def _write(self, exchange: Exchange, writer: Target, order: StagedOrder) -> TextStage:
        """What the text becomes. Raises: what the fleet says in its place."""
        begin_s = self._clock.monotonic_s()
        asked = _exchange(
            exchange,
            "/predict",
            writer,
            {
                "inputs": order.text,
                "parameters": order.parameters,
                "timeout": max(exchange.deadline_s - begin_s, 0.001),
            },
        )
        async with self._fleet.reply_to(asked) as reply:
            content = await _whole(reply)
            exchange.attempts += asked.attempts
            if reply.status >= 400:
                raise error_of(reply.status, reply.headers, content)
        return TextStage(writer, _written(content), self._clock.monotonic_s() - begin_s)

    def _spoken(
        self, exchange: Exchange, order: StagedOrder, speaker: Target, written: TextStage
    ) -> Exchange:
        fields = {**order.speech_fields, order.text_field: written.text}
        return _exchange(exchange, exchange.target, speaker, fields, _SPEECH_HEADERS)


def _exchange(
    whole: Exchange,
    target: str,
    model: Target,
    fields: dict[str, object],
    kept: frozenset[str] = _STAGE_HEADERS,
) -> Exchange:
    """One stage of an exchange, with the deadline and the ``kept`` headers of the whole."""
    raw = orjson.dumps(fields)
    headers = [(name, value) for name, value in whole.headers if name in kept]
    return Exchange(
        method="POST",
        target=target,
        service=model.service,
        model=model,
        body=Body(raw, None, len(raw)),
        headers=[JSON, *headers, (MODEL_HEADER, model.record.name)],
        deadline_s=whole.deadline_s,
    )


def _written(content: bytes) -> str:
    result = orjson.loads(content)["result"]
    text = next((result[name] for name in _WRITTEN if name in result), "")
    if not text.strip():
        raise UpstreamError(
            "It wrote no text, so there is nothing to say; `parameters` (such as min_new_tokens)"
            " change how it writes.",
            code="nothing_written",
        )
    return str(text)


async def _whole(reply: Reply) -> bytes:
    try:
        return await reply.take()
    except BrokenAnswerError as exc:
        raise UpstreamError("The replica broke off in its answer; try again.") from exc


@contextlib.contextmanager
def _stage(stage: str, model: str) -> Iterator[None]:
    """Errors say in which stage they happened."""
    try:
        yield
    except FleetError as exc:
        exc.detail += f" ({stage} stage, model {model})"
        exc.extra["stage"] = stage
        raise
