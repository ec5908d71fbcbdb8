"""Who takes part in the next step, and with how many tokens; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Unfinished(Protocol):
    """A text at work.

    Attributes:
        left: Tokens it has that the model has not read, at least 1; more than 1: a prompt.
        steps: How many it took part in.
    """

    @property
    def left(self) -> int: ...
    @property
    def steps(self) -> int: ...


U = TypeVar("U", bound=Unfinished)


@dataclass(frozen=True, slots=True)
class Part(Generic[U]):
    """``count`` of the text's next tokens are read."""

    text: U
    count: int


@dataclass(frozen=True, slots=True)
class StepPlan(Generic[U]):
    """A step.

    Attributes:
        read: Tokens of prompts in it.
        bound: Prompts have more that the budget did not allow.
    """

    parts: list[Part[U]]
    read: int
    bound: bool

    @property
    def tokens(self) -> int:
        return sum(part.count for part in self.parts)


def plan_step(texts: Sequence[U], budget: int, max_rows: int) -> StepPlan[U]:
    """Every text that is being written goes on by one token; prompts share the budget.

    The oldest prompt gets half of it, the others the rest, the shortest first: so neither does a
    long prompt hold up a short one, nor do many short ones keep a long one out. Where fewer rows
    than texts are allowed, those with the fewest steps come first.

    Args:
        texts: At least one, the oldest first.
        budget: Tokens of prompts, at least 1.
        max_rows: Texts that can share a step.
    """
    chosen = texts
    if len(texts) > max_rows:
        chosen = sorted(texts, key=lambda text: text.steps)[:max_rows]
    parts = [Part(text, 1) for text in chosen if text.left == 1]
    prompts = [text for text in chosen if text.left > 1]
    counts = _share(prompts, budget)
    parts += [Part(text, n) for text, n in zip(prompts, counts, strict=True) if n]
    bound = any(n < text.left for text, n in zip(prompts, counts, strict=True))
    return StepPlan(parts, sum(counts), bound)


def _share(prompts: Sequence[Unfinished], budget: int) -> list[int]:
    """How many of each prompt's tokens are read."""
    counts = [0] * len(prompts)
    if prompts:
        counts[0] = min(prompts[0].left, max(1, budget // 2))
    rest = budget - sum(counts)
    for place in sorted(range(1, len(prompts)), key=lambda n: prompts[n].left):
        counts[place] = min(prompts[place].left, max(0, rest))
        rest -= counts[place]
    if prompts and rest > 0:
        counts[0] = min(prompts[0].left, counts[0] + rest)
    return counts
