"""``tiny_stt``: a small English ear of our own, trained on espeak-ng's speech.

audio-svc/training has how it was made.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from audio_svc.audio.log_mel import MelSettings, log_mel
from audio_svc.transcription.base import (
    Samples,
    Segment,
    SpeechTask,
    TranscriptionOptions,
    TranscriptionTraits,
    Word,
)
from audio_svc.transcription.tiny_files import WEIGHTS_FILE, WORDS_FILE, read_ear_config
from audio_svc.transcription.tiny_net import (
    FRAMES_PER_STEP,
    LETTERS,
    LETTERS_PER_STEP,
    Ear,
    EarShape,
    normalise,
)
from audio_svc.transcription.tiny_stretches import find_stretches
from audio_svc.transcription.tiny_words import Scores, SpokenWord, WordBook, place_words
from audio_svc.weights import storage_bytes

MEL = MelSettings()
STEP_S = MEL.hop / MEL.rate_hz * FRAMES_PER_STEP / LETTERS_PER_STEP
PAUSE_S = 0.7  # So much between two words begins another segment.
LANGUAGE = "en"


class TinyHearing:
    """Writes English as it sounds, and known words as they are written.

    Args:
        folder: The model's files.
        device: A torch device; the ear computes on the CPU whatever it is.
    """

    def __init__(self, folder: Path, device: str) -> None:
        del device
        config = read_ear_config(folder)
        self._ear = Ear(EarShape(**config["shape"])).eval()
        weights = load_file(folder / WEIGHTS_FILE)
        self._ear.load_state_dict({name: value.float() for name, value in weights.items()})
        self._book = WordBook((folder / WORDS_FILE).read_text().split(), LETTERS)
        self._traits = TranscriptionTraits(
            family="tiny_stt",
            sample_rate_hz=MEL.rate_hz,
            languages=tuple(config["languages"]),
            tasks=(SpeechTask.TRANSCRIBE,),
            device="cpu",
            word_times=True,
        )

    @property
    def traits(self) -> TranscriptionTraits:
        return self._traits

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights, each storage counted once."""
        return storage_bytes(self._ear)

    def count_prompt_tokens(self, prompt: str) -> int:
        """Letters; it takes no prompt."""
        return len(prompt)

    def warm_up(self) -> None:
        """Listens once to a second of noise."""
        noise = np.random.default_rng(0).standard_normal(MEL.rate_hz).astype(np.float32)
        for _segment in self.transcribe(noise * np.float32(0.01), TranscriptionOptions()):
            pass

    def transcribe(
        self, samples: Samples, options: TranscriptionOptions
    ) -> Iterator[Segment | None]:
        yield None
        duration_s = len(samples) / MEL.rate_hz
        for start, end in find_stretches(samples, MEL.rate_hz):
            scores = self.letter_scores(samples[start:end])
            yield None
            text = yield from self._book.read(scores)
            words = place_words(text, scores, LETTERS)
            yield from _segments(words, start / MEL.rate_hz, duration_s, options)

    def letter_scores(self, samples: Samples) -> Scores:
        """Log-probabilities float32 [steps of STEP_S, letters]."""
        frames = torch.from_numpy(log_mel(samples, MEL))
        with torch.inference_mode():
            scores: Scores = self._ear(normalise(frames)[None])[0].log_softmax(-1).numpy()
        return scores


def _segments(
    words: list[SpokenWord], offset_s: float, duration_s: float, options: TranscriptionOptions
) -> Iterator[Segment]:
    """Words that follow each other without a long pause are one segment."""
    parts: list[list[SpokenWord]] = []
    for word in words:
        if not parts or (word.first - parts[-1][-1].last) * STEP_S > PAUSE_S:
            parts.append([])
        parts[-1].append(word)
    for part in parts:
        times = [
            Word(
                word.text,
                min(offset_s + word.first * STEP_S, duration_s),
                min(offset_s + (word.last + 1) * STEP_S, duration_s),
            )
            for word in part
        ]
        letters = " ".join(word.text for word in part)
        yield Segment(
            start_s=times[0].start_s,
            end_s=times[-1].end_s,
            text=" " + letters,
            avg_logprob=sum(word.logprob for word in part) / len(letters),
            language=options.language or LANGUAGE,
            language_probability=None if options.language else 1.0,
            tokens=tuple(LETTERS.index(letter) for letter in letters),
            words=tuple(times) if options.words else (),
        )
