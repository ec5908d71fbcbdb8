import numpy as np
import pytest
from numpy.typing import NDArray

from audio_svc.live import LiveHearing, Utterance
from audio_svc.transcription.base import Samples, Segment
from fleetserve.clock import ManualClock
from tests.unit.audio_svc.requests import speech


class Ear:
    """Notes what it is given, and says how long it was."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.heard: list[Samples] = []

    async def transcribe(self, samples: Samples) -> list[Segment]:
        self.heard.append(samples)
        return [Segment(0.0, 1.0, f" {len(self.heard)}", -0.1, "en")]

    def hearing(self, rate_hz: int = 16000, longest_s: float = 29.0) -> LiveHearing:
        return LiveHearing(self.transcribe, rate_hz, longest_s, self.clock.monotonic_s)


@pytest.fixture
def ear() -> Ear:
    return Ear()


def pcm(samples: Samples) -> NDArray[np.int16]:
    return (samples * 32767).astype(np.int16)


async def hear(
    hearing: LiveHearing, samples: Samples, rate_hz: int = 16000, step_s: float = 0.1
) -> list[Utterance]:
    step = int(step_s * rate_hz)
    sound = pcm(samples)
    found = []
    for at in range(0, len(sound), step):
        found += [one async for one in hearing.push(sound[at : at + step])]
    return [*found, *[one async for one in hearing.finish()]]


@pytest.mark.parametrize("rate_hz", [16000, 44100])
async def test_utterance_has_partial_texts_and_one_final(ear: Ear, rate_hz: int) -> None:
    found = await hear(ear.hearing(rate_hz), speech(rate_hz), rate_hz)
    assert [one.final for one in found][-1] is True
    assert [one.final for one in found].count(True) == 1
    assert len(found) >= 2
    final = found[-1]
    assert 0.5 < final.start_s < 1.1
    assert final.end_s <= len(speech(rate_hz)) / rate_hz + 0.1
    assert all(len(a) < len(b) for a, b in zip(ear.heard, ear.heard[1:], strict=False))


async def test_each_pause_ends_an_utterance(ear: Ear) -> None:
    found = await hear(ear.hearing(), np.tile(speech(), 3))
    finals = [one for one in found if one.final]
    assert len(finals) == 3
    assert [one.start_s for one in finals] == sorted(one.start_s for one in finals)


async def test_silence_is_not_heard_and_not_kept(ear: Ear) -> None:
    hearing = ear.hearing()
    assert await hear(hearing, np.zeros(16000 * 20, np.float32)) == []
    assert ear.heard == []
    assert len(hearing._kept) < 20


async def test_endless_speech_is_cut(ear: Ear) -> None:
    long = np.tile(speech(pause_s=0.0), 4)
    found = await hear(ear.hearing(longest_s=3.0), long)
    assert sum(one.final for one in found) >= 3
    assert max(len(one) for one in ear.heard) <= 3.5 * 16000


async def test_a_slow_model_makes_fewer_partial_texts(ear: Ear) -> None:
    long = np.tile(speech(pause_s=0.0), 4)
    quick = await hear(ear.hearing(), long)

    class Slow(Ear):
        async def transcribe(self, samples: Samples) -> list[Segment]:
            await self.clock.advance(2.0)
            return await super().transcribe(samples)

    slow = await hear(Slow().hearing(), long)
    assert sum(not one.final for one in slow) < sum(not one.final for one in quick)
