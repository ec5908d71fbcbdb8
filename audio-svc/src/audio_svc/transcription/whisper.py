"""Whisper of every size by transformers, from the files of the public repositories.

The text is that of the library's own generate() with the same options; what is left out is
what it says of the padding after the recording's end. Where it makes no sense it is tried again
at a higher temperature.

Source: Radford et al. 2022, Robust Speech Recognition via Large-Scale Weak Supervision.
"""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    LogitsProcessorList,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)
from transformers.modeling_outputs import BaseModelOutput
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from audio_svc.transcription.base import (
    Samples,
    Segment,
    SpeechTask,
    TranscriptionOptions,
    TranscriptionTraits,
)
from audio_svc.transcription.whisper_fallback import (
    NO_SPEECH,
    Attempt,
    best_of,
    temperatures_of,
)
from audio_svc.transcription.whisper_segments import SegmentReader
from audio_svc.transcription.whisper_steps import TokenLog
from audio_svc.weights import storage_bytes
from fleetserve.replica.stepwise import Pause, StepThreads

WINDOW_FRAMES = 3000
MAX_BEAMS = 8
WARM_UP_SECONDS = 1


class WhisperEngine:
    """Recognises, and translates into English.

    Args:
        folder: The model's files.
        device: A torch device.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._device = torch.device(device)
        self._tokenizer: Any = WhisperTokenizer.from_pretrained(folder, local_files_only=True)
        self._extractor: Any = WhisperFeatureExtractor.from_pretrained(
            folder, local_files_only=True
        )
        model: Any = WhisperForConditionalGeneration.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, trust_remote_code=False
        )
        self._model = model.eval().to(self._device)
        self._word_model: Any = None
        self._threads = StepThreads()
        config = self._model.generation_config
        self._language_ids: dict[str, int] = {
            token[2:-2]: index for token, index in getattr(config, "lang_to_id", {}).items()
        }
        self._traits = TranscriptionTraits(
            family="whisper",
            sample_rate_hz=self._extractor.sampling_rate,
            languages=tuple(sorted(self._language_ids)) or ("en",),
            tasks=tuple(SpeechTask) if self._language_ids else (SpeechTask.TRANSCRIBE,),
            device=str(self._device),
            word_times=getattr(config, "alignment_heads", None) is not None,
            max_prompt_tokens=self._model.config.max_target_positions // 2 - 1,
            max_beams=MAX_BEAMS,
            language_names=TO_LANGUAGE_CODE,
        )

    @property
    def traits(self) -> TranscriptionTraits:
        return self._traits

    @property
    def storage_bytes(self) -> int:
        """Bytes of the weights, each storage counted once."""
        return storage_bytes(self._model)

    def count_prompt_tokens(self, prompt: str) -> int:
        return len(self._tokenizer.get_prompt_ids(prompt))

    def warm_up(self) -> None:
        """Listens once to a second of noise."""
        noise = np.random.default_rng(0).standard_normal(
            WARM_UP_SECONDS * self._traits.sample_rate_hz
        )
        for _segment in self.transcribe(noise.astype(np.float32) * 0.01, TranscriptionOptions()):
            pass

    def transcribe(
        self, samples: Samples, options: TranscriptionOptions
    ) -> Iterator[Segment | None]:
        segments = yield from self._threads.stepwise(
            lambda pause: self._listen(samples, options, pause)
        )
        yield from segments

    def _listen(
        self, samples: Samples, options: TranscriptionOptions, pause: Pause
    ) -> list[Segment]:
        duration_s = len(samples) / self._traits.sample_rate_hz
        with torch.inference_mode():
            features, mask = self._features(samples)
            pause()
            language, probability = self._language(features, options)
            attempts: list[Attempt] = []
            for temperature in temperatures_of(options):
                log = TokenLog(pause)
                outputs = self._generate(
                    features, mask, options, language, temperature=temperature, log=log
                )
                reader = SegmentReader(self._tokenizer, log, language, probability, temperature)
                segments = reader.read(outputs["segments"][0], duration_s, words=options.words)
                attempts.append(Attempt(tuple(segments)))
                if attempts[-1].makes_sense:
                    return segments
                if attempts[-1].unlikely and self._no_speech(features) > NO_SPEECH:
                    return []
        return list(best_of(attempts).segments)

    def _generate(
        self,
        features: torch.Tensor,
        mask: torch.Tensor,
        options: TranscriptionOptions,
        language: str,
        *,
        temperature: float,
        log: TokenLog,
    ) -> Any:
        model = self._for_words() if options.words else self._model
        return model.generate(
            features,
            attention_mask=mask,
            logits_processor=LogitsProcessorList([log]),
            **self._arguments(features, options, language, temperature),
        )

    def _features(self, samples: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-mel features [1, mel bins, frames] and which frames are not padding [1, frames]."""
        is_long = len(samples) > self._extractor.n_samples
        batch = self._extractor(
            samples,
            sampling_rate=self._traits.sample_rate_hz,
            return_tensors="pt",
            return_attention_mask=True,
            truncation=False,
            padding="longest" if is_long else "max_length",
        )
        return batch.input_features.to(self._device), batch.attention_mask.to(self._device)

    def _language(
        self, features: torch.Tensor, options: TranscriptionOptions
    ) -> tuple[str, float | None]:
        """The language told, or the likeliest by the first window and its probability."""
        if not self._language_ids:
            return "en", None
        if options.language is not None:
            return options.language, None
        logits = self._first_logits(features)
        codes = list(self._language_ids)
        known = torch.softmax(logits[[self._language_ids[code] for code in codes]], dim=-1)
        best = int(known.argmax())
        return codes[best], float(known[best])

    def _no_speech(self, features: torch.Tensor) -> float:
        """The model's own word on whether nothing is said in the first window."""
        place = self._model.generation_config.no_timestamps_token_id - 1
        return float(torch.softmax(self._first_logits(features), dim=-1)[place])

    def _first_logits(self, features: torch.Tensor) -> torch.Tensor:
        """What it would say first of the first window: a language, or that there is no speech."""
        encoded = self._model.model.encoder(features[:, :, :WINDOW_FRAMES])
        start = torch.tensor(
            [[self._model.generation_config.decoder_start_token_id]], device=self._device
        )
        logits: torch.Tensor = self._model(
            encoder_outputs=BaseModelOutput(encoded.last_hidden_state), decoder_input_ids=start
        ).logits[0, -1]
        return logits.float()

    def _arguments(
        self,
        features: torch.Tensor,
        options: TranscriptionOptions,
        language: str,
        temperature: float,
    ) -> dict[str, Any]:
        is_long = features.shape[-1] > WINDOW_FRAMES
        arguments: dict[str, Any] = {
            # Beyond one window the library needs the timestamps to find its way.
            "return_timestamps": options.timestamps or options.words or is_long,
            "return_segments": True,
        }
        if self._language_ids:
            arguments |= {"language": language, "task": options.task.value}
        if temperature > 0:
            arguments["temperature"] = temperature
        elif options.beam_size > 1:
            arguments["num_beams"] = options.beam_size
        if options.words:
            arguments["return_token_timestamps"] = True
        if options.prompt:
            ids = self._tokenizer.get_prompt_ids(options.prompt, return_tensors="pt")
            arguments["prompt_ids"] = ids.to(self._device)
        return arguments

    def _for_words(self) -> Any:
        """The same weights with attention that can be read.

        The library switches the model it is given to that attention for good, and the texts
        of other requests must not hang on who asked for words before.
        """
        if self._word_model is None:
            config = copy.deepcopy(self._model.config)
            config._attn_implementation = "eager"  # noqa: SLF001 - as the library itself does
            with torch.device("meta"):
                twin: Any = WhisperForConditionalGeneration(config)
            twin.load_state_dict(self._model.state_dict(), assign=True)
            twin.tie_weights()
            twin.generation_config = self._model.generation_config
            self._word_model = twin.eval()
        return self._word_model
