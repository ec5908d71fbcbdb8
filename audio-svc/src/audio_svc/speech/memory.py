"""Speech engines without a model: a tone as long as the text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audio_svc.speech.base import Samples, SpeechPiece, SpeechTraits, SpokenWord, Utterance

VOICE_HZ = {"default": 220.0, "low": 110.0}
EMBEDDING_SIZE = 8
SAMPLE_RATE_HZ = 16000
SECONDS_PER_CHAR = 0.06


class ToneSpeech:
    """Speaks a sine; the voice sets its pitch, the seed its phase."""

    def __init__(self) -> None:
        self._traits = SpeechTraits(
            family="tone",
            sample_rate_hz=SAMPLE_RATE_HZ,
            languages=("en",),
            max_chars=200,
            default_voice="default",
            device="cpu",
            embedding_size=EMBEDDING_SIZE,
        )

    @property
    def traits(self) -> SpeechTraits:
        return self._traits

    def voices(self) -> tuple[str, ...]:
        return tuple(VOICE_HZ)

    def synthesize(self, utterance: Utterance) -> Iterator[SpeechPiece | None]:
        pitch_hz = VOICE_HZ[utterance.voice]
        if utterance.embedding is not None:
            pitch_hz = 150.0 + 50.0 * float(np.tanh(utterance.embedding.sum()))
        phase = np.random.default_rng(utterance.seed).uniform(0.0, 2.0 * np.pi)
        count = max(1, round(len(utterance.text) * SECONDS_PER_CHAR * SAMPLE_RATE_HZ))
        time_s = np.arange(count) / SAMPLE_RATE_HZ
        yield None
        tone: Samples = (0.3 * np.sin(2.0 * np.pi * pitch_hz * time_s + phase)).astype(np.float32)
        yield SpeechPiece(tone, words=_time_words(utterance.text))


def _time_words(text: str) -> tuple[SpokenWord, ...]:
    """Each where its letters stand."""
    return tuple(
        SpokenWord(word[0], word.start() * SECONDS_PER_CHAR, word.end() * SECONDS_PER_CHAR)
        for word in re.finditer(r"[\w']+", text)
    )


@dataclass(slots=True)
class ToneReading:
    """A tone that grows by a character a step."""

    utterance: Utterance
    steps: int = 0

    @property
    def ended(self) -> bool:
        return self.steps >= len(self.utterance.text)


class ChoirSpeech(ToneSpeech):
    """The same, with steps that utterances share; ``sizes`` tells how many did."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def open(self, utterance: Utterance) -> ToneReading:
        return ToneReading(utterance)

    def advance(self, readings: Sequence[ToneReading]) -> None:
        self.sizes.append(len(readings))
        for reading in readings:
            reading.steps += 1

    def finish(self, reading: ToneReading) -> SpeechPiece:
        (piece,) = [piece for piece in self.synthesize(reading.utterance) if piece is not None]
        return piece
