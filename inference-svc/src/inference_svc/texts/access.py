"""How a request gets at the generator of a model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fleetserve.errors import InvalidFieldError
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.pool import ModelPool
from inference_svc.generation.base import TextGenerator
from inference_svc.served import GeneratingModel, Served


@dataclass(frozen=True, slots=True)
class OpenGenerator:
    """A model in use; ``cold``: it was loaded for this."""

    spec: ModelSpec
    generator: TextGenerator
    cold: bool


class Generators:
    """Event loop only."""

    def __init__(self, pool: ModelPool[Served]) -> None:
        self._pool = pool

    @asynccontextmanager
    async def open(self, model: str) -> AsyncIterator[OpenGenerator]:
        """Holds the model while it is in use, loaded first if it has to be.

        Raises: what the pool raises for the model; InvalidFieldError: named ``model_name``: it
        generates no text.
        """
        cold = self._pool.get_ready(model) is None
        handle = await self._pool.get(model)
        with handle as served:
            if not isinstance(served, GeneratingModel):
                raise InvalidFieldError(
                    "model_name", f"{model} is a model for {handle.spec.task}; it generates no text"
                )
            yield OpenGenerator(handle.spec, served.generator, cold)
