"""Whisper by transformers and by CTranslate2: ``python -m benchmarks.transcription``.

Both hear the same 30 s with the same random weights of openai/whisper-tiny's published size, on one
thread, in turn; CPU time, medians.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from transformers.utils import logging

from audio_svc.audio.decoding import decode, resample
from audio_svc.transcription.base import Samples, TranscriptionEngine, TranscriptionOptions
from audio_svc.transcription.ctranslate2 import CTranslate2Engine
from audio_svc.transcription.whisper import WhisperEngine
from tests.checkpoints.ctranslate2_models import convert
from tests.checkpoints.recordings import SENTENCES, record
from tests.checkpoints.whisper import make_config, write_whisper

SECONDS = 30
RATE_HZ = 16_000
TURNS = 5
TOKENS = 80  # As people say in 30 s.
# Nearly greedy; at 0 what makes no sense is tried again, and random weights make none.
PLAIN = TranscriptionOptions(language="en", timestamps=False, temperature=0.01)


def recording() -> Samples:
    said = [decode(record(text), field="file", max_seconds=60) for text in SENTENCES]
    parts = [resample(one.samples, one.rate_hz, RATE_HZ) for one in said]
    return np.resize(np.concatenate(parts), SECONDS * RATE_HZ)


def engines(folder: Path) -> dict[str, TranscriptionEngine]:
    source = folder / "transformers"
    write_whisper(source, config=make_config(width=384, layers=4, heads=6), tokens=TOKENS)
    made: dict[str, TranscriptionEngine] = {"transformers": WhisperEngine(source, "cpu")}
    for kind in ("float32", "int8"):
        made[f"CTranslate2 {kind}"] = CTranslate2Engine(convert(source, folder / kind, kind), "cpu")
    return made


def hear(engine: TranscriptionEngine, samples: Samples) -> tuple[float, str]:
    begin_s = time.process_time()
    segments = [one for one in engine.transcribe(samples, PLAIN) if one is not None]
    return time.process_time() - begin_s, "".join(one.text for one in segments)


def main() -> None:
    torch.set_num_threads(1)
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    samples = recording()
    with tempfile.TemporaryDirectory() as folder:
        found = engines(Path(folder))
        spent: dict[str, list[float]] = {name: [] for name in found}
        texts = {name: hear(engine, samples)[1] for name, engine in found.items()}
        for _turn in range(TURNS):
            for name, engine in found.items():
                spent[name].append(hear(engine, samples)[0])
    medians = {name: statistics.median(seconds) for name, seconds in spent.items()}
    print(f"{SECONDS} s of speech, whisper-tiny's size, one thread\n")
    for name, seconds in medians.items():
        times = medians["transformers"] / seconds
        words = len(texts[name].split())
        print(f"{name:22}{seconds:8.2f} s CPU {times:6.2f} times as fast {words:5} words")


if __name__ == "__main__":
    main()
