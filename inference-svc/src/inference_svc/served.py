"""A loaded model as this service holds it: one that answers in batches, or one that writes."""

from collections.abc import Callable
from dataclasses import dataclass

from inference_svc.batcher import ServedModel
from inference_svc.generation.base import TextGenerator


@dataclass(frozen=True, slots=True)
class GeneratingModel:
    """A model that generates text; ``unload`` ends its work and gives the memory back."""

    generator: TextGenerator
    unload: Callable[[], None]


Served = ServedModel | GeneratingModel
