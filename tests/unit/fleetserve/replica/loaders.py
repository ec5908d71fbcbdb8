"""A model loader that the tests direct."""

import asyncio
import threading
from dataclasses import dataclass, field

from fleetserve.errors import ModelNotFoundError, NotFoundError
from fleetserve.replica.models import Loaded, ModelSpec
from fleetserve.replica.pool import ModelPool

WAIT_S = 10.0


@dataclass
class DirectedLoader:
    """Knows the models of ``published`` (name → revision, bytes); waits for ``gate`` to load.

    ``kept`` are revisions that are here and not published.
    """

    published: dict[str, tuple[str, int]] = field(default_factory=dict)
    free: int = -1
    held: int = 0
    leaks: bool = False
    failure: Exception | None = None
    pinned: frozenset[str] = frozenset()
    kept: dict[str, tuple[str, ...]] = field(default_factory=dict)
    gate: threading.Event = field(default_factory=threading.Event)
    loads: list[str] = field(default_factory=list)
    unloads: list[str] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.gate.set()

    def prepare(self) -> str:
        return "cpu"

    def find(self, name: str, revision: str | None = None) -> ModelSpec:
        if name not in self.published:
            raise ModelNotFoundError(name)
        published, size = self.published[name]
        if revision not in (None, published, *self.kept.get(name, ())):
            raise NotFoundError(f"{name} is not here as {revision}", code="revision_not_found")
        return ModelSpec(name, revision or published, "tensor", size, pinned=name in self.pinned)

    def load(self, spec: ModelSpec) -> Loaded[str]:
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(WAIT_S)
        self.loads.append(f"{spec.name}@{spec.revision}")
        if self.failure is not None:
            raise self.failure
        self.held += spec.expected_bytes
        if self.free >= 0:
            self.free -= spec.expected_bytes
        return Loaded(f"{spec.name}@{spec.revision}", spec.expected_bytes, "float32")

    def unload(self, spec: ModelSpec, model: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.unloads.append(model)
        self.held -= 0 if self.leaks else spec.expected_bytes
        if self.free >= 0:
            self.free += spec.expected_bytes

    def held_bytes(self) -> int:
        return self.held

    def free_bytes(self) -> int:
        return self.free


async def stage(pool: ModelPool[str], name: str, revision: str) -> None:
    """Returns once it is staged. Raises: what loading raised."""
    while True:
        if pool.stage_soon(name, revision):
            return
        await asyncio.sleep(0)


async def left(pool: ModelPool[str], name: str, revision: str) -> None:
    """Returns once it is unloaded."""
    while True:
        if not pool.is_leaving(name, revision):
            return
        await asyncio.sleep(0)
