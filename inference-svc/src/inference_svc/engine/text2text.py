"""summarization, translation and text2text-generation: an encoder reads, a decoder writes."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSeq2SeqLM,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from fleetserve.errors import InvalidFieldError
from fleetserve.replica.stepwise import Pause, StepThreads
from inference_svc.engine.base import EngineInfo, InputKind, Prepared, Steps, finish
from inference_svc.engine.checkpoint import load_checkpoint, module_bytes
from inference_svc.engine.generation_options import (
    UNBOUNDED_TOKENS,
    Draw,
    GenerationOptions,
    read_options,
    settle_lengths,
)
from inference_svc.engine.sampling import GumbelNoise
from inference_svc.engine.text2text_encoding import Text2TextEncoder
from inference_svc.engine.text_encoding import TokenRow, pad_rows
from inference_svc.engine.torch_errors import device_errors
from inference_svc.engine.translation_languages import find_languages

WARM_UP_TEXT = "A short text."


@dataclass(frozen=True, slots=True)
class TextTask:
    """``name`` as configs of repositories have it; ``key`` of the result."""

    name: str
    key: str
    translates: bool = False


SUMMARIZATION = TextTask("summarization", "summary_text")
TRANSLATION = TextTask("translation", "translation_text", translates=True)
TEXT2TEXT = TextTask("text2text-generation", "generated_text")


class Text2TextEngine:
    """``{key: text}`` per text, by the library's own generate(), resting at each token.

    What the repo's generation_config.json says holds, with what its config.json says for this
    task on top, and the request's parameters on top of that.
    """

    def __init__(self, folder: Path, device: str, task: TextTask) -> None:
        self.info = EngineInfo(InputKind.TEXT, rank=0, device=device, dtype="float32")
        self._folder = folder
        self._device = device
        self._task = task
        self._threads = StepThreads()
        self._model: Any = None

    def load(self) -> int:
        self._model, _ = load_checkpoint(AutoModelForSeq2SeqLM, self._folder, self._device)
        config = self._model.config
        positions = getattr(config, "max_position_embeddings", None)
        self._most: int = positions or UNBOUNDED_TOKENS
        self._encoder = Text2TextEncoder(self._folder, positions)
        self._languages = find_languages(
            self._encoder.tokenizer, config, translates=self._task.translates
        )
        special = getattr(config, "task_specific_params", None) or {}
        settings = dict(special.get(self._task.name, {}))
        self._prefix: str = settings.pop("prefix", "") or ""
        base = copy.deepcopy(self._model.generation_config)
        base.update(**settings)
        base.do_sample = False
        self._base: Any = base
        # The library fills up what a request's config leaves open from the model's own.
        self._model.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
        return module_bytes(self._model)

    @property
    def module(self) -> Any:
        """The library's model itself; valid between load() and unload()."""
        return self._model

    def warm_up(self) -> None:
        options = self.read_parameters({**self._languages.sample, "max_new_tokens": 4})
        finish(self.predict_batch([self.prepare(WARM_UP_TEXT, options)]))

    def read_parameters(self, parameters: Mapping[str, object]) -> GenerationOptions:
        return read_options(parameters, self._languages, self._most)

    def prepare(self, value: Any, options: Any) -> Prepared:
        if not value.strip():
            raise InvalidFieldError("inputs", "is empty; there is nothing to read")
        direction = options.direction
        row = self._encoder.encode(f"{self._prefix}{direction.prefix}{value}", direction.source)
        return Prepared((row, options), len(row.ids), group=options, warning=row.warning)

    def predict_batch(self, batch: Sequence[Prepared]) -> Steps:
        rows = [one.payload[0] for one in batch]
        options: list[GenerationOptions] = [one.payload[1] for one in batch]
        tokens = yield from self._threads.stepwise(
            lambda pause: self._generate(rows, options, pause)
        )
        return [{self._task.key: self._encoder.decode(ids)} for ids in tokens]

    def unload(self) -> None:
        self._model = None

    def _generate(
        self, rows: Sequence[TokenRow], options: Sequence[GenerationOptions], pause: Pause
    ) -> list[list[int]]:
        """Token ids per row; in a thread of its own, which runs only between two pauses."""
        shared = options[0]
        processors = [*_warpers(shared.draw, [one.seed for one in options]), _Rest(pause)]
        with torch.inference_mode(), device_errors():
            found = self._model.generate(
                **pad_rows(rows, self._encoder.pad_id, self._device),
                generation_config=self._config(shared),
                logits_processor=LogitsProcessorList(processors),
            )
        ids: list[list[int]] = np.asarray(found.cpu()).tolist()
        return ids

    def _config(self, options: GenerationOptions) -> Any:
        config, settings = copy.deepcopy(self._base), dict(options.settings)
        if options.draw is not None:
            config.num_beams = 1
        config.update(**settings)
        settle_lengths(config, settings, self._most)
        if options.direction.first_token is not None:
            config.forced_bos_token_id = options.direction.first_token
        return config


def summarization(folder: Path, device: str) -> Text2TextEngine:
    return Text2TextEngine(folder, device, SUMMARIZATION)


def translation(folder: Path, device: str) -> Text2TextEngine:
    return Text2TextEngine(folder, device, TRANSLATION)


def text2text(folder: Path, device: str) -> Text2TextEngine:
    return Text2TextEngine(folder, device, TEXT2TEXT)


class _Rest(LogitsProcessor):
    """Lets others compute before each token is chosen."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        del input_ids
        self._pause()
        return scores


def _warpers(draw: Draw | None, seeds: Sequence[int | None]) -> list[Any]:
    if draw is None:
        return []
    found: list[Any] = [TemperatureLogitsWarper(draw.temperature)]
    if draw.top_k:
        found.append(TopKLogitsWarper(draw.top_k))
    if draw.top_p < 1.0:
        found.append(TopPLogitsWarper(draw.top_p))
    return [*found, GumbelNoise(seeds)]
