import asyncio
import io
from collections.abc import Iterator
from typing import Any

import pytest
import soundfile

from audio_svc.audio.encoding import FORMATS
from audio_svc.meter import AudioMeter
from audio_svc.open_speech import AHEAD, SpeechStreamer
from audio_svc.served import AudioModel
from audio_svc.speaker import Speaker, SpeechAsk
from audio_svc.speaking import SpeechOrder
from audio_svc.speech.base import SpeechPiece, Utterance
from audio_svc.speech.memory import ToneSpeech
from fleetserve.clock import SystemClock
from fleetserve.errors import DeadlineError, InvalidFieldError
from fleetserve.replica.pool import ModelPool
from fleetserve.replica.slot import ComputeSlot
from tests.unit.audio_svc.memory_models import FIXED, TONE

CLOCK = SystemClock()
TEN = " ".join(f"This is sentence number {number}." for number in range(10))


def ask(text: str = TEN, model: str = TONE, **more: Any) -> SpeechAsk:
    order = SpeechOrder(text, FORMATS["wav"], seed=1, by_sentence=True)
    return SpeechAsk(model, order, 0, CLOCK.monotonic_s(), **more)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the engine has begun to speak."""
    texts: list[str] = []
    synthesize = ToneSpeech.synthesize

    def counted(self: ToneSpeech, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        texts.append(utterance.text)
        yield from synthesize(self, utterance)

    monkeypatch.setattr(ToneSpeech, "synthesize", counted)
    return texts


async def rest(slot: ComputeSlot) -> None:
    """Until the compute thread has found nothing to do."""
    for _ in range(3):
        progress = -1
        while progress != slot.progress:
            progress = slot.progress
            await asyncio.wrap_future(slot.call(lambda: None))
            progress += 1


async def test_chunks_are_one_file_with_the_samples_of_the_whole(
    streamer: SpeechStreamer, speaker: Speaker
) -> None:
    opened = await streamer.open(ask())
    chunks = [chunk async for chunk in opened]
    told = opened.told()
    await opened.aclose()
    assert len(chunks) == 10
    samples, _rate = soundfile.read(io.BytesIO(b"".join(chunks)), dtype="int16")
    whole = await speaker.speak(ask())
    expected, _rate = soundfile.read(io.BytesIO(whole.file.data), dtype="int16")
    assert (samples == expected).all()
    assert told.file.duration_s == whole.file.duration_s
    for made, expected_time in zip(told.file.times, whole.file.times, strict=True):
        assert made.text == expected_time.text
        assert made.end_s == pytest.approx(expected_time.end_s)


async def test_first_sentence_is_heard_before_the_last_is_begun(
    streamer: SpeechStreamer, begun: list[str]
) -> None:
    opened = await streamer.open(ask())
    await anext(opened)
    assert len(begun) <= 1 + AHEAD + 1
    assert opened.first_audio_s is not None
    await opened.aclose()


async def test_no_more_is_spoken_than_a_few_sentences_ahead_of_the_reader(
    streamer: SpeechStreamer, slot: ComputeSlot, begun: list[str]
) -> None:
    opened = await streamer.open(ask())
    for read in range(2):
        async with asyncio.timeout(10):
            while len(begun) < read + AHEAD:
                await rest(slot)
        await rest(slot)
        assert len(begun) == read + AHEAD
        await anext(opened)
    await opened.aclose()


async def test_leaving_stops_the_work_and_lets_the_model_go(
    streamer: SpeechStreamer, slot: ComputeSlot, pool: ModelPool[AudioModel], begun: list[str]
) -> None:
    opened = await streamer.open(ask())
    await anext(opened)
    handle = pool.get_ready(TONE)
    assert handle is not None
    assert handle.refs == 1
    await opened.aclose()
    count = len(begun)
    await rest(slot)
    assert len(begun) == count
    assert handle.refs == 0


async def test_a_reader_that_is_cancelled_stops_the_work(
    streamer: SpeechStreamer, slot: ComputeSlot, begun: list[str]
) -> None:
    opened = await streamer.open(ask())
    heard = asyncio.Event()

    async def read() -> None:
        try:
            await anext(opened)
            heard.set()
            await asyncio.Event().wait()
        finally:
            await opened.aclose()

    reader = asyncio.create_task(read())
    await heard.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await rest(slot)
    assert len(begun) <= 1 + AHEAD + 1


async def test_over_its_deadline_it_says_so(streamer: SpeechStreamer) -> None:
    opened = await streamer.open(ask(deadline_s=CLOCK.monotonic_s() - 1.0))
    with pytest.raises(DeadlineError, match="timeout"):
        await anext(opened)
    await opened.aclose()


async def test_pace_is_measured_once_it_is_all_out(
    streamer: SpeechStreamer, meter: AudioMeter
) -> None:
    opened = await streamer.open(ask("Hello."))
    async for _chunk in opened:
        pass
    assert meter.synthesis.requests == 1
    assert meter.synthesis.audio_s == opened.told().file.duration_s
    await opened.aclose()


async def test_model_that_listens_is_refused_and_not_held(
    streamer: SpeechStreamer, pool: ModelPool[AudioModel]
) -> None:
    with pytest.raises(InvalidFieldError, match="/transcribe"):
        await streamer.open(ask(model=FIXED))
    handle = pool.get_ready(FIXED)
    assert handle is not None
    assert handle.refs == 0
