"""A model on a replica: what it is, how it is loaded, and the handle that requests hold."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError
from fleetserve.manifest import Manifest
from fleetserve.tunings import Tuning

M = TypeVar("M")


class HandleState(StrEnum):
    """loading → ready → retired (no new requests) → gone; loading → failed → loading."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    RETIRED = "retired"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What is to be loaded.

    Attributes:
        expected_bytes: A guess of the memory it takes, made before it is measured.
        folder: The plain files of the revision; None for what is built in.
        pinned: Never leaves to make room.
        tuning: How it is to be made faster.
    """

    name: str
    revision: str
    task: str
    expected_bytes: int
    folder: Path | None = None
    manifest: Manifest | None = None
    pinned: bool = False
    tuning: Tuning | None = None

    @property
    def build(self) -> tuple[object, ...]:
        """Two specs of a name with the same one are the same model in memory."""
        return (self.revision, self.tuning.decision if self.tuning is not None else None)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[M]):
    """A model in memory; ``bytes`` is measured, ``tuning`` what was really applied."""

    model: M
    bytes: int
    dtype: str = ""
    tuning: str = ""


class ModelLoader(Protocol[M]):
    """How a service finds, loads and unloads its models.

    ``find`` and ``free_bytes`` are quick and called on the event loop. The others are called in
    the loader's thread, one at a time, ``prepare`` before any other, and may block.
    """

    def prepare(self) -> str:
        """Imports what loading needs and settles on a device, whose name it gives.

        Raises: FleetError: the device that was asked for is not there.
        """
        ...

    def find(self, name: str, revision: str | None = None) -> ModelSpec:
        """What the manifest says: of what is published, or of a revision that is here beside it.

        Raises: ModelNotFoundError, NotFoundError (no such revision), or any FleetError (a task
        that is not served here).
        """
        ...

    def load(self, spec: ModelSpec) -> Loaded[M]:
        """A model that is ready to serve, warmed up. Raises: anything; it is told to all."""
        ...

    def unload(self, spec: ModelSpec, model: M) -> None:
        """Frees the memory. Nobody holds the model any more."""
        ...

    def held_bytes(self) -> int:
        """Memory that this process holds, of the host or of the device that models are on."""
        ...

    def free_bytes(self) -> int:
        """Memory of the device that models could still take; negative: not known."""
        ...


class ModelHandle(Generic[M]):
    """One model of a pool; event loop only. ``with handle as model:`` while it is in use.

    Attributes:
        refs: Who holds it now; only at 0 it can be unloaded.
        last_used_s: Monotonic time of the last exit: the idle clock.
        uses: How often it was held.
        taken_bytes: What the process held more once it was loaded: less than ``bytes`` where
            files are mapped and not read, more where libraries were imported for it.
        failure: Why it could not be loaded.
        when_idle: Called once a retired model is held by nobody.
    """

    __slots__ = (
        "_clock",
        "_model",
        "bytes",
        "dtype",
        "failed_s",
        "failure",
        "last_used_s",
        "load_s",
        "refs",
        "spec",
        "state",
        "taken_bytes",
        "tuning",
        "uses",
        "when_idle",
    )

    def __init__(self, spec: ModelSpec, clock: Clock) -> None:
        self.spec = spec
        self.state = HandleState.LOADING
        self.bytes = spec.expected_bytes
        self.dtype = ""
        self.tuning = ""
        self.refs = 0
        self.last_used_s = clock.monotonic_s()
        self.load_s = 0.0
        self.failed_s = 0.0
        self.failure: Exception | None = None
        self.uses = 0
        self.taken_bytes = 0
        self.when_idle: Callable[[], None] | None = None
        self._model: M | None = None
        self._clock = clock

    @property
    def model(self) -> M:
        """Raises: UnavailableError: it is not loaded."""
        if self._model is None:
            raise UnavailableError(f"{self.spec.name} is {self.state}.")
        return self._model

    def __enter__(self) -> M:
        model = self.model
        self.refs += 1
        self.uses += 1
        return model

    def idle_s(self) -> float:
        """For how long nobody has held it; 0 while somebody does."""
        return 0.0 if self.refs else self._clock.monotonic_s() - self.last_used_s

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refs -= 1
        self.last_used_s = self._clock.monotonic_s()
        if self.refs == 0 and self.when_idle is not None:
            self.when_idle()

    def became_ready(self, loaded: Loaded[M], load_s: float) -> None:
        self._model = loaded.model
        self.bytes, self.dtype, self.load_s = loaded.bytes, loaded.dtype, load_s
        self.tuning = loaded.tuning
        self.state = HandleState.READY
        self.last_used_s = self._clock.monotonic_s()

    def became_failed(self, reason: Exception) -> None:
        self.state, self.failure, self.bytes = HandleState.FAILED, reason, 0
        self.failed_s = self._clock.monotonic_s()

    def let_go(self) -> M:
        """Gives the model up for unloading."""
        model = self.model
        self._model = None
        self.state = HandleState.GONE
        return model
