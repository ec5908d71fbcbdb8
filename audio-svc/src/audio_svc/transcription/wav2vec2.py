"""wav2vec2 with CTC by transformers: the likeliest letter of each 20 ms, no language model.

Source: Baevski et al. 2020, wav2vec 2.0; Graves et al. 2006, CTC.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from audio_svc.transcription.base import (
    Samples,
    Segment,
    SpeechTask,
    TranscriptionOptions,
    TranscriptionTraits,
    Word,
)
from audio_svc.transcription.wav2vec2_files import read_facts
from audio_svc.weights import storage_bytes

PAUSE_S = 0.35  # Between two words; a longer one ends the segment, as one cut out before does.
WINDOW_S = 30.0  # Its attention is quadratic in the length.


@dataclass(frozen=True, slots=True)
class _Heard:
    """A word, its letters' ids and the sum of their log-probabilities."""

    word: Word
    tokens: tuple[int, ...]
    logprob: float


class Wav2Vec2Engine:
    """Recognises one language, in the letters of its training.

    Args:
        folder: The model's files.
        device: A torch device.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch.device(device)
        self._tokenizer: Any = Wav2Vec2CTCTokenizer.from_pretrained(folder, local_files_only=True)
        self._extractor: Any = Wav2Vec2FeatureExtractor.from_pretrained(
            folder, local_files_only=True
        )
        model: Any = Wav2Vec2ForCTC.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, trust_remote_code=False
        )
        self._model = model.eval().to(self._device)
        config = self._model.config
        rate_hz = self._extractor.sampling_rate
        self._frame_s = config.inputs_to_logits_ratio / rate_hz
        self._shortest = _receptive_field(config.conv_kernel, config.conv_stride)
        self._traits = TranscriptionTraits(
            family="wav2vec2",
            sample_rate_hz=rate_hz,
            languages=read_facts(folder).languages,
            tasks=(SpeechTask.TRANSCRIBE,),
            device=str(self._device),
            word_times=True,
            window_s=WINDOW_S,
        )

    @property
    def traits(self) -> TranscriptionTraits:
        return self._traits

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights, each storage counted once."""
        return storage_bytes(self._model)

    def count_prompt_tokens(self, prompt: str) -> int:
        """Its letters, though it takes no prompt."""
        return len(prompt)

    def warm_up(self) -> None:
        """Listens once to a second of silence."""
        silence = np.zeros(self._traits.sample_rate_hz, np.float32)
        for _segment in self.transcribe(silence, TranscriptionOptions()):
            pass

    def transcribe(
        self, samples: Samples, options: TranscriptionOptions
    ) -> Iterator[Segment | None]:
        yield None
        log_probs = self._log_probs(samples)
        yield None
        duration_s = len(samples) / self._traits.sample_rate_hz
        heard = self._words(log_probs, duration_s)
        for group in _at_pauses(heard) if options.timestamps or options.words else [heard]:
            if group:
                yield self._segment(group, options)

    def _log_probs(self, samples: Samples) -> torch.Tensor:
        """Of each frame the log-probability of each letter, [frames, letters]."""
        missing = self._shortest - len(samples)
        padded = np.pad(samples, (0, missing)) if missing > 0 else samples
        batch = self._extractor(
            padded, sampling_rate=self._traits.sample_rate_hz, return_tensors="pt"
        )
        with torch.inference_mode():
            logits = self._model(batch.input_values.to(self._device)).logits[0]
            return torch.log_softmax(logits.float(), dim=-1).cpu()

    def _words(self, log_probs: torch.Tensor, duration_s: float) -> list[_Heard]:
        """The likeliest letter of each frame, repeats and blanks taken out, joined to words."""
        best = log_probs.max(dim=-1)
        ids, values = best.indices.tolist(), best.values.tolist()
        decoded = self._tokenizer.decode(ids, output_word_offsets=True, skip_special_tokens=False)
        found = []
        for offset in decoded.word_offsets:
            first, last = offset["start_offset"], offset["end_offset"]
            tokens, logprob = self._letters(ids, values, first, last)
            start_s = min(first * self._frame_s, duration_s)
            end_s = min(last * self._frame_s, duration_s)
            word = Word(offset["word"], round(start_s, 3), round(max(start_s, end_s), 3))
            if tokens:
                found.append(_Heard(word, tokens, logprob))
        return found

    def _letters(
        self, ids: Sequence[int], values: Sequence[float], first: int, last: int
    ) -> tuple[tuple[int, ...], float]:
        """Letters begun in these frames, each with the log-probability of its first frame."""
        blank = self._tokenizer.pad_token_id
        begun = [
            place
            for place in range(first, last)
            if ids[place] != blank and (place == first or ids[place] != ids[place - 1])
        ]
        return tuple(ids[place] for place in begun), sum(values[place] for place in begun)

    def _segment(self, group: Sequence[_Heard], options: TranscriptionOptions) -> Segment:
        tokens = tuple(token for one in group for token in one.tokens)
        known = self._traits.languages[0]
        return Segment(
            start_s=group[0].word.start_s,
            end_s=group[-1].word.end_s,
            text="".join(f" {one.word.word}" for one in group),
            avg_logprob=sum(one.logprob for one in group) / len(tokens),
            language=options.language or known,
            language_probability=None if options.language else 1.0,
            tokens=tokens,
            words=tuple(one.word for one in group) if options.words else (),
        )


def _at_pauses(heard: Sequence[_Heard]) -> list[list[_Heard]]:
    groups: list[list[_Heard]] = []
    for one in heard:
        if not groups or one.word.start_s - groups[-1][-1].word.end_s > PAUSE_S:
            groups.append([])
        groups[-1].append(one)
    return groups


def _receptive_field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Samples that the first frame needs."""
    count = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        count = (count - 1) * stride + kernel
    return count
