"""A loaded model as this service holds it: one that answers in batches, or one that writes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from fleetserve.usage import Usage
from inference_svc.batcher import ServedModel
from inference_svc.generation.base import TextGenerator
from inference_svc.texts.report import WritingReport


@dataclass(frozen=True, slots=True)
class GeneratingModel:
    """A model that generates text.

    Attributes:
        unload: Ends its work and gives the memory back.
        report: What it has done; any thread.
        usage: Its texts, each as a request of one input; a step is a batch.
    """

    generator: TextGenerator
    unload: Callable[[], None]
    report: Callable[[], WritingReport]
    usage: Usage = field(default_factory=Usage)


Served = ServedModel | GeneratingModel
