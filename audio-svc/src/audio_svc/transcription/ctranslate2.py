"""Whisper by CTranslate2, the extra ``ctranslate2``: in int8 too.

Beyond one window the recording is heard window by window; the listener cuts at pauses before.
Where the text makes no sense it is tried again at a higher temperature, as by transformers.

Source: https://opennmt.net/CTranslate2, and the files of Systran/faster-whisper-*.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch
from transformers import WhisperFeatureExtractor, WhisperTokenizer
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from audio_svc.transcription.base import (
    Samples,
    Segment,
    SpeechTask,
    TranscriptionOptions,
    TranscriptionTraits,
)
from audio_svc.transcription.ctranslate2_files import WEIGHTS_FILE, language_ids
from audio_svc.transcription.ctranslate2_tokens import Stretch, split_at_times, words_of
from audio_svc.transcription.whisper_fallback import (
    NO_SPEECH,
    Attempt,
    best_of,
    temperatures_of,
)

MAX_LENGTH = 448
MAX_BEAMS = 8
EXTRACTOR_FILE = "preprocessor_config.json"


class CTranslate2Engine:
    """Recognises, and translates into English.

    Args:
        folder: The model's files.
        device: A torch device.
        compute_type: float32, int8, or default: what the files are in, as far as the device can.
    """

    def __init__(self, folder: Path, device: str, compute_type: str = "default") -> None:
        kind, _, index = device.partition(":")
        self._model = ctranslate2.models.Whisper(
            str(folder),
            device=kind,
            device_index=int(index or 0),
            compute_type=compute_type,
            intra_threads=torch.get_num_threads(),
        )
        self._bytes = (folder / WEIGHTS_FILE).stat().st_size
        self._tokenizer: Any = WhisperTokenizer.from_pretrained(folder, local_files_only=True)
        self._extractor = _open_extractor(folder, self._model.n_mels)
        self._languages = language_ids(folder)
        self._start, self._no_times = self._tokenizer.convert_tokens_to_ids(
            ["<|startoftranscript|>", "<|notimestamps|>"]
        )
        self._traits = TranscriptionTraits(
            family="ctranslate2",
            sample_rate_hz=self._extractor.sampling_rate,
            languages=tuple(sorted(self._languages)) or ("en",),
            tasks=tuple(SpeechTask) if self._languages else (SpeechTask.TRANSCRIBE,),
            device=device,
            word_times=True,
            max_prompt_tokens=MAX_LENGTH // 2 - 1,
            max_beams=MAX_BEAMS,
            language_names=TO_LANGUAGE_CODE,
        )

    @property
    def traits(self) -> TranscriptionTraits:
        return self._traits

    @property
    def dtype(self) -> str:
        """What it computes in, by the library's name."""
        return str(self._model.compute_type)

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights as the files have them; the library tells no more."""
        return self._bytes

    def count_prompt_tokens(self, prompt: str) -> int:
        return len(self._tokenizer.get_prompt_ids(prompt))

    def warm_up(self) -> None:
        """Listens once to a second of noise."""
        noise = np.random.default_rng(0).standard_normal(self._traits.sample_rate_hz) * 0.01
        for _segment in self.transcribe(noise.astype(np.float32), TranscriptionOptions()):
            pass

    def transcribe(
        self, samples: Samples, options: TranscriptionOptions
    ) -> Iterator[Segment | None]:
        """Others may compute between a window's encoding and each of its attempts."""
        rate_hz, size = self._traits.sample_rate_hz, self._extractor.n_samples
        for start in range(0, len(samples), size):
            for found in self._hear_window(samples[start : start + size], options):
                yield found and _later(found, start / rate_hz)

    def _hear_window(
        self, samples: Samples, options: TranscriptionOptions
    ) -> Iterator[Segment | None]:
        encoded = self._encode(samples)
        yield None
        language, probability = self._language(encoded, options)
        prompt = self._prompt(options, language)
        duration_s = len(samples) / self._traits.sample_rate_hz
        attempts: list[Attempt] = []
        for temperature in temperatures_of(options):
            made = self._generate(encoded, prompt, options, temperature)
            blank = Segment(0.0, 0.0, "", _mean(made), language, probability)
            segments = self._read(
                made.sequences_ids[0], replace(blank, temperature=temperature), duration_s
            )
            attempts.append(Attempt(tuple(segments)))
            if attempts[-1].makes_sense:
                break
            if attempts[-1].unlikely and made.no_speech_prob > NO_SPEECH:
                return
            yield None
        best = attempts[-1] if attempts[-1].makes_sense else best_of(attempts)
        if options.words:
            yield from self._with_words(encoded, best.segments, options, duration_s)
        else:
            yield from best.segments

    def _encode(self, samples: Samples) -> Any:
        features = self._extractor(
            samples, sampling_rate=self._traits.sample_rate_hz, return_tensors="np"
        ).input_features
        storage = ctranslate2.StorageView.from_array(np.ascontiguousarray(features, np.float32))
        return self._model.encode(storage, to_cpu=False)

    def _language(self, encoded: Any, options: TranscriptionOptions) -> tuple[str, float | None]:
        """The language told, or the likeliest and its probability."""
        if not self._languages:
            return "en", None
        if options.language is not None:
            return options.language, None
        token, probability = self._model.detect_language(encoded)[0][0]
        return token[2:-2], float(probability)

    def _prompt(self, options: TranscriptionOptions, language: str) -> list[int]:
        ids = self._tokenizer.get_prompt_ids(options.prompt) if options.prompt else []
        times = options.timestamps or options.words
        return [*ids, *self._begin(options, language), *([] if times else [self._no_times])]

    def _begin(self, options: TranscriptionOptions, language: str) -> list[int]:
        if not self._languages:
            return [self._start]
        task = self._tokenizer.convert_tokens_to_ids(f"<|{options.task.value}|>")
        return [self._start, self._languages[language], task]

    def _generate(
        self, encoded: Any, prompt: list[int], options: TranscriptionOptions, temperature: float
    ) -> Any:
        how: dict[str, Any] = {"beam_size": options.beam_size}
        if temperature > 0:
            how = {"beam_size": 1, "sampling_topk": 0, "sampling_temperature": temperature}
        return self._model.generate(
            encoded,
            [prompt],
            max_length=MAX_LENGTH,
            return_scores=True,
            return_no_speech_prob=True,
            **how,
        )[0]

    def _read(self, ids: list[int], like: Segment, duration_s: float) -> list[Segment]:
        found = []
        for one in split_at_times(ids, self._no_times + 1, duration_s):
            text = self._tokenizer.decode(one.tokens, skip_special_tokens=True)
            if text.strip():
                found.append(_segment(like, one, text))
        return found

    def _with_words(
        self,
        encoded: Any,
        segments: tuple[Segment, ...],
        options: TranscriptionOptions,
        duration_s: float,
    ) -> Iterator[Segment]:
        """All text of the window is aligned at once, then given back to its segments."""
        if not segments:
            return
        tokens = [token for one in segments for token in one.tokens]
        language = segments[0].language
        hop_s = self._extractor.hop_length / self._traits.sample_rate_hz
        frames = max(1, round(duration_s / hop_s))
        begin = self._begin(options, language)
        alignment = self._model.align(encoded, begin, [tokens], frames)[0].alignments
        words = words_of(self._tokenizer, tokens, alignment, language, duration_s)
        for segment in segments:
            own, left = [], len(segment.tokens)
            while words and left > 0:
                count, word = words.pop(0)
                own.append(word)
                left -= count
            yield replace(segment, words=tuple(own))


def _open_extractor(folder: Path, mels: int) -> Any:
    """That of the model's files; those of the smaller ones leave it out."""
    kind: Any = WhisperFeatureExtractor
    if (folder / EXTRACTOR_FILE).is_file():
        return kind.from_pretrained(folder, local_files_only=True)
    return kind(feature_size=mels)


def _mean(made: Any) -> float:
    """Per token: the library divides by their number without the end of text."""
    count = len(made.sequences_ids[0])
    return float(made.scores[0]) * count / (count + 1)


def _segment(like: Segment, one: Stretch, text: str) -> Segment:
    return replace(like, start_s=one.start_s, end_s=one.end_s, text=text, tokens=one.tokens)


def _later(segment: Segment, by_s: float) -> Segment:
    if not by_s:
        return segment
    words = tuple(replace(w, start_s=w.start_s + by_s, end_s=w.end_s + by_s) for w in segment.words)
    return replace(segment, start_s=segment.start_s + by_s, end_s=segment.end_s + by_s, words=words)
