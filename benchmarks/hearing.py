"""What comes before the model hears anything: decoding and finding the speech in 10 minutes.

    make bench BENCH=hearing

A recording is decoded twice: once to find its speech, once more while it is heard. One thread, CPU
time, the median of three. The recording is espeak-ng's, with pauses; each format is written from
the same samples.
"""

import io
import statistics
import time
from collections.abc import Iterator

import numpy as np
import soundfile
import torch

from audio_svc.audio.decoding import at_rate, decode, read_blocks, resample
from audio_svc.audio.recording import Recording
from audio_svc.audio.silero import RATE_HZ, SpeechMeter
from audio_svc.chunks import plan_speech
from audio_svc.tape import survey
from tests.checkpoints.recordings import SENTENCES, record

MINUTES = 10
AIM_S = 4.0
TURNS = 3
WINDOW_S = 30.0
FORMATS = (("WAV", 44100), ("FLAC", 44100), ("MP3", 44100), ("OGG", 44100), ("WAV", 16000))


def recording(rate_hz: int) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    said = [decode(record(text), field="file", max_seconds=60) for text in SENTENCES]
    pause = np.zeros(rate_hz, np.float32)
    parts = [part for one in said for part in (resample(one.samples, one.rate_hz, rate_hz), pause)]
    return np.resize(np.concatenate(parts), MINUTES * 60 * rate_hz)


def write(name: str, rate_hz: int) -> bytes:
    """Second by second: libsndfile's Vorbis dies of a minute at once."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate_hz, 1, format=name) as target:
        for second in np.split(recording(rate_hz), 60 * MINUTES):
            target.write(second)
    return file.getvalue()


def blocks(data: bytes) -> Iterator[Recording]:
    return read_blocks(data, field="file", max_seconds=7200)


def hear(data: bytes) -> tuple[float, float, int]:
    """CPU seconds of finding the speech and of decoding once more, and how many chunks it has."""
    begin_s = time.process_time()
    found = survey(blocks(data))
    chunks = plan_speech(found.probabilities, found.count_at(RATE_HZ), RATE_HZ, WINDOW_S)
    surveyed_s = time.process_time()
    for _block in at_rate(blocks(data), RATE_HZ):
        pass
    return surveyed_s - begin_s, time.process_time() - surveyed_s, len(chunks)


def main() -> None:
    torch.set_num_threads(1)
    SpeechMeter().measure(np.zeros(RATE_HZ, np.float32))
    print(f"{MINUTES} minutes of speech, CPU seconds on one thread (aim: under {AIM_S:g} together)")
    print(f"{'format':>12} {'survey':>8} {'decode':>8} {'both':>8} {'chunks':>7}")
    for name, rate_hz in FORMATS:
        data = write(name, rate_hz)
        turns = [hear(data) for _ in range(TURNS)]
        survey_s, decode_s = (statistics.median(t[place] for t in turns) for place in (0, 1))
        print(
            f"{name.lower():>6}{rate_hz:>6} {survey_s:8.2f} {decode_s:8.2f} "
            f"{survey_s + decode_s:8.2f} {turns[0][2]:>7}"
        )


if __name__ == "__main__":
    main()
