"""One request's inputs on their way through a model, and the batches they were in."""

import asyncio

import msgspec

from inference_svc.engine.base import Prepared


class BatchRun(msgspec.Struct, frozen=True, eq=False):
    """One batch that ran; ``started_s`` is monotonic."""

    size: int
    started_s: float
    compute_s: float
    padded_fraction: float


class Call:
    """Event loop only, but for ``done`` being looked at.

    Attributes:
        outcomes: Per input its result or the exception it failed with.
        runs: The batches its inputs were in, each once, in order.
        done: Resolves when every input has its outcome; cancelled: nobody waits any more.
    """

    __slots__ = (
        "_left",
        "alone",
        "deadline_s",
        "done",
        "outcomes",
        "priority",
        "runs",
        "submitted_s",
    )

    def __init__(
        self,
        count: int,
        *,
        priority: int = 0,
        deadline_s: float = float("inf"),
        alone: bool = False,
    ) -> None:
        self.outcomes: list[object] = [None] * count
        self.runs: list[BatchRun] = []
        self.priority = priority
        self.deadline_s = deadline_s
        self.alone = alone
        self.submitted_s = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = count

    def settle(self, index: int, outcome: object, run: BatchRun | None = None) -> None:
        """One input has its outcome."""
        self.outcomes[index] = outcome
        if run is not None and run not in self.runs:
            self.runs.append(run)
        self._left -= 1
        if self._left == 0 and not self.done.done():
            self.done.set_result(None)


class Item:
    """One input in the queue; a ``batching.Waiting``."""

    __slots__ = ("alone", "call", "group", "index", "length", "prepared", "priority", "since_s")

    def __init__(self, call: Call, index: int, prepared: Prepared) -> None:
        self.call = call
        self.index = index
        self.prepared = prepared
        # Copied, since a selection looks at them much more often than once.
        self.length = prepared.length
        self.group = prepared.group
        self.priority = call.priority
        self.since_s = call.submitted_s
        self.alone = call.alone

    @property
    def dropped(self) -> bool:
        return self.call.done.done()
