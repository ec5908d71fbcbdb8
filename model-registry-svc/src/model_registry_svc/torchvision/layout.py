"""What each family of architectures shares: renaming by rules, and the shape of the result."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_registry_svc.tensor_span import TensorSpan

Tensors = Mapping[str, TensorSpan]
# A pattern for the whole of a name, and what its groups become.
Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


@dataclass(frozen=True, slots=True)
class Converted:
    """A model as transformers loads it: config.json's keys, and the tensors by their new names.

    ``classes`` is how many outputs the classifier has.
    """

    config: dict[str, Any]
    classes: int
    tensors: dict[str, TensorSpan]


def rule(pattern: str, template: str, *, down: Sequence[int] = ()) -> Rule:
    """Names that match become ``template``; groups in ``down`` are numbers that count from 0 there.

    Groups stand in the template as {1}, {2} and so on.
    """

    def rename(found: re.Match[str]) -> str:
        groups = [
            str(int(text) - 1) if number in down else text
            for number, text in enumerate(found.groups(), 1)
        ]
        return template.format("", *groups)

    return re.compile(pattern), rename


def renamed(tensors: Tensors, rules: Sequence[Rule]) -> dict[str, TensorSpan]:
    """Every tensor under its new name.

    Raises: ValueError: no rule knows a name, so this is another architecture.
    """
    return {_new_name(name, rules): span for name, span in tensors.items()}


def count(tensors: Tensors, pattern: str) -> int:
    """One more than the largest number that the pattern's group has among the names; 0: none."""
    found = (re.match(pattern, name) for name in tensors)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _new_name(name: str, rules: Sequence[Rule]) -> str:
    for pattern, rename in rules:
        if found := pattern.fullmatch(name):
            return rename(found)
    raise ValueError(f"{name} is no tensor of this architecture")
