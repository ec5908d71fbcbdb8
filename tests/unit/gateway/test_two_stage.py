import asyncio
from collections.abc import Callable

import orjson
import pytest

from fleetserve.errors import (
    FleetError,
    InvalidFieldError,
    ModelNotFoundError,
    UnavailableError,
    UpstreamError,
)
from fleetserve.model_records import ModelState
from fleetserve.tasks import AUDIO_SERVICE
from gateway.bodies import Body
from gateway.exchange import Exchange
from gateway.reply import Reply
from gateway.two_stage import SpeechChoice, TwoStageVoices
from gateway.upstream.memory import Behaviour, MemoryAnswer, SentRequest
from tests.unit.gateway.fleet import (
    OFFERED,
    Fleet,
    Gate,
    announced,
    answering,
    recorded,
    streaming,
)

WRITES = answering(orjson.dumps({"result": {"summary_text": "Short."}}))
SPOKEN = {
    "processing_time": 0.1,
    "duration": 1.0,
    "model_info": {"model": "tiny_tts", "actual_model": "tiny_tts"},
}
SPEAKS = answering(orjson.dumps(SPOKEN))
Ask = Callable[..., Exchange]


@pytest.fixture
def voices(fleet: Fleet) -> TwoStageVoices:
    fleet.models.put(recorded("bart", task="summarization", two_stage_voice=True))
    speech = SpeechChoice(fleet.models, "tts-1")
    return TwoStageVoices(fleet.first_use, speech, fleet.clock, max_chars=100)


@pytest.fixture
def ask(fleet: Fleet, voices: TwoStageVoices) -> Ask:
    def make(path: str = "/synthesize", **fields: object) -> Exchange:
        raw = orjson.dumps({"model_name": "bart", "inputs": "Much too long.", **fields})
        exchange = fleet.exchange("bart", timeout_s=10.0)
        exchange.body, exchange.target = Body(raw, None, len(raw)), path
        exchange.headers += [
            ("content-type", "application/json"),
            ("accept", "audio/wav"),
            ("x-fleet-model", "bart"),
            ("x-fleet-priority", "7"),
        ]
        exchange.two_stage = True
        return exchange

    return make


def serve(fleet: Fleet, writes: Behaviour = WRITES, speaks: Behaviour = SPEAKS) -> None:
    fleet.add(writes, announced("i1"))
    fleet.add(speaks, announced("a1", service=AUDIO_SERVICE))


async def reply_to(voices: TwoStageVoices, exchange: Exchange) -> Reply:
    async with voices.reply_to(exchange) as reply:
        return reply


async def test_what_the_first_writes_the_second_speaks(
    fleet: Fleet, voices: TwoStageVoices, ask: Ask
) -> None:
    serve(fleet)
    asked = ask(voice="coral", parameters={"num_beams": 2}, timeout=10)
    reply = await reply_to(voices, asked)
    written, spoken = fleet.upstream.sent
    assert (written.target, written.headers["x-fleet-model"]) == ("/predict", "bart")
    assert orjson.loads(written.body) == {
        "inputs": "Much too long.",
        "parameters": {"num_beams": 2},
        "timeout": 10.0,
    }
    assert (spoken.target, spoken.headers["x-fleet-model"]) == ("/synthesize", "tiny_tts")
    assert orjson.loads(spoken.body) == {"inputs": "Short.", "voice": "coral", "timeout": 10}
    assert (spoken.headers["accept"], "accept" in written.headers) == ("audio/wav", False)
    for sent in (written, spoken):
        assert (sent.headers["x-request-id"], sent.headers["x-fleet-priority"]) == ("r-1", "7")
    assert reply.content is not None
    assert [stage["model"] for stage in orjson.loads(reply.content)["stages"]] == [
        "bart",
        "tiny_tts",
    ]
    assert (asked.upstream, asked.attempts) == ("a1", 2)


async def test_openais_route_is_asked_in_its_own_words(
    fleet: Fleet, voices: TwoStageVoices, ask: Ask
) -> None:
    serve(fleet, speaks=streaming(b"sound", b"audio/mpeg"))
    exchange = ask("/v1/audio/speech", input="Much too long.", inputs=None)
    async with voices.reply_to(exchange) as reply:
        assert await reply.answer.read() == b"sound"
        assert reply.header(b"x-spoken-text") == b"Short."
    assert orjson.loads(fleet.upstream.sent[1].body)["input"] == "Short."


async def test_other_exchanges_are_passed_on(fleet: Fleet, voices: TwoStageVoices) -> None:
    serve(fleet)
    assert (await reply_to(voices, fleet.exchange())).status == 200
    assert fleet.sent_to() == ["i1"]


class TestSpeaker:
    async def test_default_is_the_first_that_is_here(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask
    ) -> None:
        serve(fleet)
        fleet.models.put(recorded("speecht5_tts", ModelState.DOWNLOADING, task="text-to-speech"))
        await reply_to(voices, ask())
        fleet.models.put(recorded("speecht5_tts", task="text-to-speech"))
        await reply_to(voices, ask())
        spoken_by = [r.headers["x-fleet-model"] for r in fleet.upstream.sent]
        assert spoken_by == ["bart", "tiny_tts", "bart", "speecht5_tts"]

    async def test_one_that_was_asked_for_speaks(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask
    ) -> None:
        serve(fleet)
        fleet.models.put(recorded("mms-tts-deu", task="text-to-speech"))
        await reply_to(voices, ask(speech_model="mms_tts_deu"))
        assert fleet.upstream.sent[1].headers["x-fleet-model"] == "mms-tts-deu"

    @pytest.mark.parametrize("name", ["bart", "tiny_stt"])
    async def test_one_that_does_not_speak_is_refused_before_anything_is_done(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask, name: str
    ) -> None:
        serve(fleet)
        with pytest.raises(InvalidFieldError) as caught:
            await reply_to(voices, ask(speech_model=name))
        assert caught.value.field == "speech_model"
        with pytest.raises(ModelNotFoundError):
            await reply_to(voices, ask(speech_model="nothing"))
        assert fleet.upstream.sent == []

    async def test_one_that_is_not_here_is_fetched_when_there_is_something_to_say(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask
    ) -> None:
        serve(fleet)
        begun = answering(b'{"download_id":"dl-1"}', status=202)
        fleet.add(begun, announced("r1", service="model-registry-svc", models=()))
        exchange = ask(speech_model=OFFERED)
        exchange.may_fetch = True
        asking = asyncio.ensure_future(reply_to(voices, exchange))
        await fleet.go_on(1.0)
        assert fleet.sent_to() == ["i1", "r1"]
        fleet.models.put(recorded(OFFERED, task="text-to-speech"))
        fleet.table.notify()
        reply = await asking
        assert reply.content is not None
        assert orjson.loads(reply.content)["model_info"]["speech_model"] == OFFERED


class TestErrors:
    @pytest.mark.parametrize(
        ("stage", "model", "asked"), [("text", "bart", 1), ("speech", "tiny_tts", 2)]
    )
    async def test_error_says_its_stage(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask, stage: str, model: str, asked: int
    ) -> None:
        told = b'{"detail":"voice: there is none","code":"invalid_field","field":"voice"}'
        refuses = answering(told, status=422)
        serve(fleet, *((refuses,) if stage == "text" else (WRITES, refuses)))
        with pytest.raises(InvalidFieldError) as caught:
            await reply_to(voices, ask())
        assert caught.value.detail == f"voice: there is none ({stage} stage, model {model})"
        assert caught.value.extra == {"field": "voice", "stage": stage}
        assert len(fleet.upstream.sent) == asked

    async def test_stage_that_has_no_replica_is_named(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask
    ) -> None:
        fleet.add(WRITES)
        fleet.room.hold_s = 5.0
        asking = asyncio.ensure_future(reply_to(voices, ask()))
        await fleet.go_on(5.0)
        with pytest.raises(UnavailableError, match="audio-svc is starting") as caught:
            await asking
        assert caught.value.extra["stage"] == "speech"

    @pytest.mark.parametrize("written", [{"generated_text": " "}, {"other": "a"}])
    async def test_nothing_written_is_nothing_to_say(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask, written: object
    ) -> None:
        serve(fleet, answering(orjson.dumps({"result": written})))
        with pytest.raises(UpstreamError) as caught:
            await reply_to(voices, ask())
        assert caught.value.code == "nothing_written"

    async def test_answer_that_breaks_off_is_one_of_its_stage(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask
    ) -> None:
        serve(fleet, speaks=streaming(b"{", b"application/json", breaks=True))
        with pytest.raises(FleetError, match="broke off"):
            await reply_to(voices, ask())


class TestTime:
    async def test_both_share_the_callers_time(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask
    ) -> None:
        async def writes_slowly(request: SentRequest) -> MemoryAnswer:
            fleet.clock.move(4.0)
            for replica in fleet.table.all():
                fleet.table.update(replica.announced)
            return await WRITES(request)

        serve(fleet, writes_slowly)
        reply = await reply_to(voices, ask())
        told = [request.headers["x-fleet-timeout-ms"] for request in fleet.upstream.sent]
        assert told == ["10000", "6000"]
        assert reply.header(b"server-timing").startswith(b"text;dur=4000.000")

    @pytest.mark.parametrize("stage", ["text", "speech"])
    async def test_caller_that_leaves_ends_the_stage_that_is_at_work(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask, stage: str
    ) -> None:
        gate = Gate()
        serve(fleet, *((gate,) if stage == "text" else (WRITES, gate)))
        asking = asyncio.ensure_future(reply_to(voices, ask()))
        await gate.arrived.wait()
        asking.cancel()
        await asyncio.wait([asking])
        assert gate.cancelled
        assert fleet.own() == 0

    async def test_each_stage_counts_as_demand_for_its_own_model(
        self, fleet: Fleet, voices: TwoStageVoices, ask: Ask
    ) -> None:
        gate = Gate()
        serve(fleet, speaks=gate)
        asking = asyncio.ensure_future(reply_to(voices, ask()))
        await gate.arrived.wait()
        fleet.dispatcher.demand.read({})
        fleet.clock.move(1.0)
        assert set(fleet.dispatcher.demand.read({})) == {"tiny_tts"}
        asking.cancel()
        await asyncio.wait([asking])
