"""The bounds of one generating model; without torch, so that a replica can name them at once."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GenerationBounds:
    """What a model may take.

    Attributes:
        cache_bytes: For keys and values of the texts at work.
        max_texts: At work at once.
        max_waiting: Texts that wait; beyond it they are shed.
        max_step_tokens: Of prompts, in one step.
    """

    cache_bytes: int
    max_texts: int
    max_waiting: int
    max_step_tokens: int
