"""How Bark draws its tokens: the library's processors, with a generator of the utterance's own."""

from collections.abc import Callable
from typing import Any

import torch
from transformers import (
    DynamicCache,
    LogitNormalization,
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

# What the library takes where a generation_config.json says nothing.
DEFAULT_TOP_K = 50

# From what is there, int64 [1, length], and the next token's scores to those it is drawn by.
Processors = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Sampler:
    """Draws tokens for one utterance.

    Args:
        device: Where the model is.
        seed: Draw what the library draws after torch.manual_seed(seed); None: draw freely.
    """

    def __init__(self, device: torch.device, seed: int | None) -> None:
        self._generator = torch.Generator(device)
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)

    def draw(self, probabilities: torch.Tensor) -> torch.Tensor:
        """float32 [rows, tokens] → int64 [rows]."""
        return torch.multinomial(probabilities, 1, generator=self._generator).squeeze(1)

    def choose(self, scores: torch.Tensor, *, sample: bool) -> torch.Tensor:
        """A token of each row; the likeliest unless it is to be sampled."""
        if not sample:
            return scores.argmax(dim=-1)
        return self.draw(torch.nn.functional.softmax(scores, dim=-1))


def make_processors(config: Any, own: list[LogitsProcessor]) -> Processors:
    """The processors of a stage, in the library's order: its own, then the sampling's."""
    processors: Any = LogitsProcessorList(own)
    if config.do_sample:
        if config.temperature not in (None, 1.0):
            processors.append(TemperatureLogitsWarper(config.temperature))
        top_k = DEFAULT_TOP_K if config.top_k is None else config.top_k
        if top_k:
            processors.append(TopKLogitsWarper(top_k))
        if config.top_p not in (None, 1.0):
            processors.append(TopPLogitsWarper(config.top_p))
    if config.renormalize_logits:
        processors.append(LogitNormalization())
    process: Processors = processors
    return process


class Reading:
    """A causal stage that reads on from a beginning, token by token.

    Args:
        model: BarkSemanticModel or BarkCoarseModel in eval mode.
        start: What its first pass takes: input_ids or inputs_embeds.
        seen: int64 [1, length], what the processors see of the beginning.
        processors: Of the stage.
    """

    def __init__(
        self,
        model: Any,
        start: dict[str, torch.Tensor],
        seen: torch.Tensor,
        processors: Processors,
    ) -> None:
        self._model = model
        self._inputs = start
        self._seen = seen
        self._process = processors
        self._cache = DynamicCache(config=model.config)

    def scores(self) -> torch.Tensor:
        """Of the next token, float32 [1, vocabulary]."""
        with torch.inference_mode():
            out = self._model(**self._inputs, past_key_values=self._cache, use_cache=True)
            return self._process(self._seen, out.logits[:, -1].float())

    def take(self, token: torch.Tensor) -> None:
        """The token that was chosen, int64 [1]."""
        self._inputs = {"input_ids": token[:, None]}
        self._seen = torch.cat([self._seen, token[:, None]], dim=1)
