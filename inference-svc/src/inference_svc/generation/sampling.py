"""From logits to the next token, by the library's rules, with a random source per text."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import (
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    NoBadWordsLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
)

from inference_svc.generation.base import GenerationOrder, Sampling
from inference_svc.generation.model_defaults import ModelDefaults

LIKELY = 256  # Nearly always enough for top_p; sorting a whole vocabulary takes 3 ms.


class Chooser:
    """Chooses the tokens of one text. Compute thread only."""

    def __init__(self, order: GenerationOrder, defaults: ModelDefaults, device: str) -> None:
        self._sampling = order.sampling
        self._processors = _processors(order, defaults, device)
        self._device = device
        self._random = torch.Generator()
        if order.sampling.do_sample:
            if order.sampling.seed is None:
                self._random.seed()
            else:
                self._random.manual_seed(order.sampling.seed)

    @property
    def plain(self) -> bool:
        """The largest logit it is; many texts' can be found at once."""
        return not self._sampling.do_sample and not self._processors

    def choose(self, ids: Sequence[int], logits: Tensor) -> int:
        """The next token after ``ids`` (prompt and completion); logits: float32 [vocabulary]."""
        if self._processors:
            known: Any = torch.tensor([ids], device=self._device)
            scores: Any = logits[None].clone()
            logits = self._processors(known, scores)[0]
        if not self._sampling.do_sample:
            return int(logits.argmax())
        tokens, probabilities = candidates(logits, self._sampling)
        point = torch.rand((), generator=self._random, dtype=torch.float64)
        sums = probabilities.cpu().double().cumsum(0)
        place = int(torch.searchsorted(sums, point * sums[-1], right=True))
        return int(tokens[min(place, len(sums) - 1)])


def choose_tokens(choosers: Sequence[tuple[Chooser, Sequence[int]]], logits: Tensor) -> list[int]:
    """A token per row; rows that want the largest share one pass."""
    largest = logits.argmax(dim=-1).tolist()
    return [
        best if chooser.plain else chooser.choose(ids, row)
        for (chooser, ids), row, best in zip(choosers, logits, largest, strict=True)
    ]


def candidates(logits: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor]:
    """The tokens that can be chosen and their probabilities, the likeliest first.

    As transformers' warpers leave them, in its order: temperature, top_k, top_p, min_p.
    """
    scores = logits / sampling.temperature
    size = len(scores)
    if 0 < sampling.top_k < size:
        scores, tokens = scores.topk(sampling.top_k)
        probabilities = scores.softmax(0)
    elif sampling.top_p < 1:
        probabilities, tokens = _likeliest(scores.softmax(0), sampling.top_p)
    else:
        probabilities, tokens = scores.softmax(0).sort(descending=True)
    if sampling.top_p < 1:
        # One is kept if those before it don't make top_p already; the first always.
        before = probabilities.cumsum(0) - probabilities
        count = max(1, int((before < sampling.top_p).sum()))
        tokens, probabilities = tokens[:count], probabilities[:count]
    if sampling.min_p > 0:
        count = max(1, int((probabilities >= sampling.min_p * probabilities[0]).sum()))
        tokens, probabilities = tokens[:count], probabilities[:count]
    return tokens, probabilities / probabilities.sum()


def _likeliest(probabilities: Tensor, top_p: float) -> tuple[Tensor, Tensor]:
    """As many of the likeliest as make ``top_p``, or more; their true probabilities."""
    if len(probabilities) > LIKELY:
        first, tokens = probabilities.topk(LIKELY)
        if float(first.sum()) >= top_p:
            return first, tokens
    return probabilities.sort(descending=True)


def _processors(
    order: GenerationOrder, defaults: ModelDefaults, device: str
) -> LogitsProcessorList:
    """What changes logits before anything is chosen; the order is the library's."""
    found = LogitsProcessorList()
    length = len(order.prompt.ids)
    penalty = order.sampling.repetition_penalty
    if penalty != 1:
        found.append(RepetitionPenaltyLogitsProcessor(penalty))
    if defaults.no_repeat_ngram_size:
        found.append(NoRepeatNGramLogitsProcessor(defaults.no_repeat_ngram_size))
    if defaults.bad_words:
        words = [list(word) for word in defaults.bad_words]
        found.append(NoBadWordsLogitsProcessor(words, list(defaults.end_ids) or None))
    if order.min_new_tokens and defaults.end_ids:
        ends = list(defaults.end_ids)
        found.append(
            MinNewTokensLengthLogitsProcessor(length, order.min_new_tokens, ends, device=device)
        )
    if defaults.suppressed:
        found.append(SuppressTokensLogitsProcessor(list(defaults.suppressed), device=device))
    if defaults.suppressed_first:
        first = list(defaults.suppressed_first)
        found.append(SuppressTokensAtBeginLogitsProcessor(first, length, device=device))
    return found
