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
    def writing(self) -> bool:
        return self.read < sum(part.count for part in self.parts)


def plan_step(texts: Sequence[U], budget: int, max_rows: int) -> StepPlan[U]:
    """Every text that is being written goes on by one token; prompts share the budget.

    They share it evenly, and what a short one leaves goes to the others: so neither does a long
    prompt hold up a short one, nor do many short ones keep a long one out. Where fewer rows than
    texts are allowed, those with the fewest steps come first.
    """
    chosen = sorted(texts, key=lambda text: text.steps)[:max_rows]
    parts = [Part(text, 1) for text in chosen if text.left == 1]
    prompts = sorted((text for text in chosen if text.left > 1), key=lambda text: text.left)
    rest = budget
    for place, text in enumerate(prompts):
        count = min(text.left, max(1, rest // (len(prompts) - place)))
        rest -= count
        parts.append(Part(text, count))
    read = sum(part.count for part in parts if part.text.left > 1)
    bound = any(part.count < part.text.left for part in parts)
    return StepPlan(parts, read, bound)
