"""What speaking costs: beside the library's own call, in company, until the first sound, in memory.

``python -m benchmarks.speech`` makes random weights of microsoft/speecht5_tts's published size and
its vocoder's, and in one process and on one torch thread has them speak

- the library's ``generate_speech`` and this replica's synthesis of the same sentence, in turn;
- 8 sentences one after another and as 8 concurrent requests;
- the first chunk of a streamed text of ten sentences, and its first sentence alone.

CPU time counts where one thread works alone; the machine may be busy. Last, with the small fixture
and utterances of many lengths, how the process's PSS without the pages of files grows from
request 500 to the last of ``--requests``.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import (
    SpeechT5Config,
    SpeechT5ForTextToSpeech,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    SpeechT5Tokenizer,
)

from audio_svc import device
from audio_svc.app import FAMILIES
from audio_svc.audio.encoding import FORMATS
from audio_svc.loader import AudioLoader, DeviceTools
from audio_svc.meter import Pace
from audio_svc.open_speech import SpeechStreamer
from audio_svc.speaker import Speaker, SpeechAsk
from audio_svc.speaking import SpeechOrder
from benchmarks.processes import own_mib
from fleetserve.clock import SystemClock
from fleetserve.manifest import DEFAULT_VOICE_FILE, VOCODER_FOLDER
from fleetserve.replica.pool import ModelPool
from fleetserve.replica.slot import ComputeSlot
from fleetserve.settings import load_service_settings
from fleetserve.tasks import AUDIO_SERVICE
from tests.checkpoints.published import publish_speecht5

SENTENCE = "The quick brown fox jumps over the lazy dog by the river."
TEN = " ".join([SENTENCE] * 10)
STEPS = 80  # Of 2 frames of 16 ms each: 2.6 s of speech.
CONCURRENT = 8
ROUNDS = 3
SETTLED_AT = 500
IN_FLIGHT = 4

RATIO_AT_MOST = 1.05
MORE_AT_MOST_S = 0.005
SPEEDUP_AT_LEAST = 2.0
FIRST_AT_MOST = 1.5
GROWTH_AT_MOST_MIB = 5.0


class Cost(NamedTuple):
    cpu_s: float
    wall_s: float


class Voices(NamedTuple):
    """What speaks in this process, and whose files it has."""

    speaker: Speaker
    streamer: SpeechStreamer
    folder: Path


def write_published_size(models_dir: Path) -> Path:
    """Random weights; the position table is as short as every sentence is to be spoken."""
    folder = publish_speecht5(models_dir, "published")
    torch.manual_seed(0)
    config = SpeechT5Config(max_speech_positions=STEPS, max_text_positions=600)
    model: Any = SpeechT5ForTextToSpeech(config)
    model.speech_decoder_postnet.prob_out.bias.data.fill_(-1000.0)  # Only its bound ends it.
    vocoder: Any = SpeechT5HifiGan(SpeechT5HifiGanConfig())
    for made, where in ((model, folder), (vocoder, folder / VOCODER_FOLDER)):
        (where / "pytorch_model.bin").unlink()
        made.save_pretrained(where)
    return folder


def ask(model: str, text: str, *, by_sentence: bool = False, seed: int | None = None) -> SpeechAsk:
    order = SpeechOrder(text, FORMATS["wav"], seed=seed, by_sentence=by_sentence)
    return SpeechAsk(model, order, 0, time.monotonic(), base64=False)


@asynccontextmanager
async def replica(home: Path, write: Callable[[Path], Path]) -> AsyncIterator[Voices]:
    """The replica's own parts without its HTTP."""
    environ = {"FLEETSERVE_HOME": str(home), "FLEETSERVE_CONFIG": str(home / "config.yaml")}
    settings = load_service_settings(AUDIO_SERVICE, environ)
    folder = write(settings.models_dir)
    clock = SystemClock()
    slot = ComputeSlot("cpu", clock)
    slot.start()
    tools = DeviceTools(
        lambda: device.open_device("cpu", 1),
        device.free_bytes,
        device.held_bytes,
        device.give_back_memory,
    )
    pool = ModelPool(
        AudioLoader(settings, slot, clock, tools=tools, families=FAMILIES), clock=clock
    )
    await pool.prepare()
    with ThreadPoolExecutor(2) as heavy:
        yield Voices(
            Speaker(pool, clock, heavy, Pace()), SpeechStreamer(pool, clock, heavy, Pace()), folder
        )
        await pool.close()
        slot.stop()


async def cost_of(work: Callable[[], Awaitable[object]]) -> Cost:
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    await work()
    return Cost(time.process_time() - cpu_s, time.perf_counter() - wall_s)


def library_call(folder: Path) -> Callable[[], object]:
    """What the model's card says."""
    model: Any = SpeechT5ForTextToSpeech.from_pretrained(folder)
    vocoder: Any = SpeechT5HifiGan.from_pretrained(folder / VOCODER_FOLDER)
    tokenizer: Any = SpeechT5Tokenizer.from_pretrained(folder)
    voice = torch.from_numpy(np.load(folder / DEFAULT_VOICE_FILE))[None]

    def call() -> object:
        ids = tokenizer(SENTENCE, return_tensors="pt").input_ids
        torch.manual_seed(1)
        # By its own bound as many steps as the replica's.
        ratio = (STEPS + 0.5) * model.config.reduction_factor / ids.shape[1]
        return model.generate_speech(ids, voice, vocoder=vocoder, maxlenratio=ratio)

    return call


async def beside_library(voices: Voices) -> bool:
    call = library_call(voices.folder)

    async def theirs_once() -> object:
        return call()

    theirs, ours = [], []
    for _ in range(ROUNDS + 1):
        theirs.append(await cost_of(theirs_once))
        # Seeded, it draws all that the library draws.
        spoken = ask("published", SENTENCE, seed=1)
        ours.append(await cost_of(partial(voices.speaker.speak, spoken)))
    # The first of each is warm-up.
    library_s, own_s = (min(cost.cpu_s for cost in costs[1:]) for costs in (theirs, ours))
    good = own_s <= RATIO_AT_MOST * library_s + MORE_AT_MOST_S
    print(
        f"one sentence      library {library_s:.3f} s CPU, ours {own_s:.3f}: "
        f"{own_s / library_s:.2f} times (at most {RATIO_AT_MOST} and 5 ms){_mark(good)}"
    )
    return good


async def in_company(voices: Voices) -> bool:
    async def one_by_one() -> None:
        for _ in range(CONCURRENT):
            await voices.speaker.speak(ask("published", SENTENCE))

    async def at_once() -> None:
        await asyncio.gather(
            *(voices.speaker.speak(ask("published", SENTENCE)) for _ in range(CONCURRENT))
        )

    pairs = [(await cost_of(one_by_one), await cost_of(at_once)) for _ in range(ROUNDS)]
    speedup = statistics.median(apart.cpu_s / together.cpu_s for apart, together in pairs)
    apart_s, together_s = (min(pair[side].cpu_s for pair in pairs) for side in (0, 1))
    good = speedup >= SPEEDUP_AT_LEAST
    print(
        f"{CONCURRENT} sentences       one by one {apart_s:.2f} s CPU, at once {together_s:.2f}: "
        f"{speedup:.2f} times the throughput (at least {SPEEDUP_AT_LEAST}){_mark(good)}"
    )
    return good


async def first_audio(voices: Voices) -> bool:
    async def alone() -> None:
        await voices.speaker.speak(ask("published", SENTENCE))

    async def streamed() -> None:
        opened = await voices.streamer.open(ask("published", TEN, by_sentence=True))
        await anext(opened)
        await opened.aclose()

    pairs = [(await cost_of(alone), await cost_of(streamed)) for _ in range(ROUNDS)]
    ratio = statistics.median(first.wall_s / one.wall_s for one, first in pairs)
    good = ratio <= FIRST_AT_MOST
    print(
        f"first audio       of ten sentences {ratio:.2f} times the first sentence alone "
        f"(at most {FIRST_AT_MOST}){_mark(good)}"
    )
    return good


async def memory(voices: Voices, requests: int) -> bool:
    """Whole answers and streams in turn, some at once."""
    left = iter(range(requests))
    at: dict[int, float] = {}

    async def client() -> None:
        for number in left:
            if number % 2:
                opened = await voices.streamer.open(
                    ask("speecht5_tts", "Hi. Ho.", by_sentence=True)
                )
                async for _chunk in opened:
                    pass
                await opened.aclose()
            else:
                await voices.speaker.speak(ask("speecht5_tts", "Hello."))
            if number + 1 in (SETTLED_AT, requests):
                at[number + 1] = own_mib(os.getpid())

    await asyncio.gather(*(client() for _ in range(IN_FLIGHT)))
    growth = at[requests] - at[SETTLED_AT]
    good = growth < GROWTH_AT_MOST_MIB
    print(
        f"memory            {at[SETTLED_AT]:.1f} MiB of its own at request {SETTLED_AT}, "
        f"{growth:+.1f} at {requests} (under {GROWTH_AT_MOST_MIB}){_mark(good)}"
    )
    return good


def _mark(good: bool) -> str:
    return "" if good else "  MISSED"


async def run(requests: int, *, speed: bool) -> list[bool]:
    good = []
    with tempfile.TemporaryDirectory() as home:
        if speed:
            async with replica(Path(home, "published"), write_published_size) as voices:
                good += [
                    await beside_library(voices),
                    await in_company(voices),
                    await first_audio(voices),
                ]
        if requests > SETTLED_AT:
            async with replica(Path(home, "small"), publish_speecht5) as voices:
                good.append(await memory(voices, requests))
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--requests", type=int, default=5000, help=f"for memory; {SETTLED_AT} or less: not measured"
    )
    parser.add_argument("--memory-only", action="store_true", help="the small fixture alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    return 0 if all(asyncio.run(run(options.requests, speed=not options.memory_only))) else 1


if __name__ == "__main__":
    raise SystemExit(main())
