"""A loaded checkpoint as a ``TextGenerator``."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fleetserve.errors import DoesNotFitError, InvalidFieldError, ShedError
from inference_svc.generation.base import (
    GenerationOrder,
    GeneratorInfo,
    Message,
    Prompt,
    Sampling,
)
from inference_svc.generation.decoder import Decoder
from inference_svc.generation.model_defaults import ModelDefaults
from inference_svc.generation.sampling import Chooser
from inference_svc.generation.text_run import PieceStream, TextRun
from inference_svc.generation.vocabulary import Vocabulary
from inference_svc.generation.writing import Writing

NEW_TOKENS = 256


class LocalGenerator:
    """Texts computed in this process's compute slot.

    Args:
        bytes_per_token: Of a text's cache.
        max_waiting: Texts that may wait; beyond it they are shed.
    """

    def __init__(
        self,
        info: GeneratorInfo,
        vocabulary: Vocabulary,
        defaults: ModelDefaults,
        decoder: Decoder,
        *,
        bytes_per_token: int,
        max_waiting: int,
    ) -> None:
        self.info = info
        self.decoder = decoder
        self._vocabulary = vocabulary
        self._defaults = defaults
        self._end_ids = frozenset(defaults.end_ids)
        self._bytes_per_token = bytes_per_token
        self._max_waiting = max_waiting

    @property
    def defaults(self) -> Sampling:
        return self._defaults.sampling

    def read_text(self, text: str) -> Prompt:
        return self._checked(text, self._vocabulary.encode_prompt(text))

    def read_chat(
        self, messages: Sequence[Message], *, tools: Sequence[Mapping[str, Any]] | None = None
    ) -> Prompt:
        text = self._vocabulary.render_chat(messages, tools)
        return self._checked(text, self._vocabulary.encode(text, special=False))

    def generate(self, order: GenerationOrder) -> PieceStream:
        limit = self._limit(order)
        if self.decoder.waiting() >= self._max_waiting:
            raise ShedError(f"{self._max_waiting} texts wait for this model already, its bound.")
        stream = PieceStream(asyncio.get_running_loop(), self.decoder.wake)
        text = TextRun(
            order,
            stream,
            Chooser(order, self._defaults, self.info.device),
            Writing(self._vocabulary.decode, order.prompt.ids, order.stop),
            end_ids=self._end_ids,
            limit=limit,
            bytes_=self._bytes_for(len(order.prompt.ids), limit),
        )
        self.decoder.submit(text)
        return stream

    def _checked(self, text: str, ids: Sequence[int]) -> Prompt:
        if not ids:
            raise InvalidFieldError("inputs", "is empty; this model makes no token of it")
        if len(ids) >= self.info.max_tokens:
            raise InvalidFieldError(
                "inputs",
                f"has {len(ids)} tokens; this model takes {self.info.max_tokens} with those it is "
                "to write. Send a shorter text.",
                code="prompt_too_long",
            )
        return Prompt(text, ids)

    def _limit(self, order: GenerationOrder) -> int:
        """Tokens the text may get. Raises: as generate."""
        length = len(order.prompt.ids)
        left = self.info.max_tokens - length
        wanted = order.max_new_tokens
        if wanted is None:
            roomy = self.decoder.queue.budget_bytes // self._bytes_per_token - length + 1
            wanted = max(order.min_new_tokens, 1, min(self._own_limit(length), left, roomy))
        if wanted > left:
            raise InvalidFieldError(
                "parameters.max_new_tokens",
                f"is {wanted}, but the prompt's {length} tokens leave {left} of this model's "
                f"{self.info.max_tokens}",
            )
        needed, budget = self._bytes_for(length, wanted), self.decoder.queue.budget_bytes
        if needed > budget:
            raise DoesNotFitError(
                f"{length} tokens and {wanted} more need {_mib(needed)} MiB for keys and values; "
                f"there are {_mib(budget)}. Ask for fewer by parameters.max_new_tokens, send a "
                "shorter text, or raise inference.kv_cache_mib."
            )
        return wanted

    def _own_limit(self, length: int) -> int:
        """What the model's files say, if they say anything that makes sense."""
        said = self._defaults
        if said.max_new_tokens:
            return said.max_new_tokens
        if said.max_length and said.max_length > length:
            return said.max_length - length
        return NEW_TOKENS

    def _bytes_for(self, length: int, new: int) -> int:
        return (length + new - 1) * self._bytes_per_token


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f}"
