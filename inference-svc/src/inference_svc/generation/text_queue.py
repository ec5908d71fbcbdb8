"""Which texts are at work and which wait, within the memory there is."""

import heapq
from collections.abc import Callable, Iterator

from fleetserve.errors import DeadlineError
from inference_svc.generation.text_run import TextRun

AGING_S = 5.0  # Waiting so long is worth one step of priority.


class TextQueue:
    """Compute thread only.

    Texts start by priority, which rises while they wait, then by age. One that finds no room
    waits, and those behind it too: else a large one would never start.

    Args:
        budget_bytes: For the caches of all texts at work.
        max_texts: At work at once.

    Attributes:
        held_bytes: Reserved for the texts at work.
    """

    def __init__(self, budget_bytes: int, max_texts: int) -> None:
        self.budget_bytes = budget_bytes
        self._max_texts = max_texts
        self._waiting: list[TextRun] = []
        self._count = 0
        self.active: list[TextRun] = []
        self.held_bytes = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, text: TextRun, now_s: float) -> None:
        self._count += 1
        # Waiting raises every text alike, so the order of two never changes: rank once.
        text.rank = (now_s / AGING_S - text.order.priority, self._count)
        heapq.heappush(self._waiting, text)

    def admit(self, open_cache: Callable[[int], object]) -> None:
        """Starts what there is room for."""
        while self._waiting and len(self.active) < self._max_texts:
            text = self._waiting[0]
            if self.held_bytes + text.bytes > self.budget_bytes:
                return
            heapq.heappop(self._waiting)
            text.cache = open_cache(text.capacity)
            self.held_bytes += text.bytes
            self.active.append(text)

    def drop_abandoned(self, now_s: float) -> list[TextRun]:
        """Lets go of what nobody waits for, and of what is over its deadline: all these."""
        gone = [t for t in self if t.stream.dropped or t.order.deadline_s <= now_s]
        if not gone:
            return gone
        for text in gone:
            if text in self.active:
                self.release(text)
            else:
                self._waiting.remove(text)
            if not text.stream.dropped:
                text.stream.failed(DeadlineError(_late(text)))
        heapq.heapify(self._waiting)
        return gone

    def release(self, text: TextRun) -> None:
        """A text at work is at its end."""
        self.active.remove(text)
        self.held_bytes -= text.bytes
        text.cache = None

    def clear(self) -> list[TextRun]:
        """Everything, at work or waiting; nothing is left."""
        texts = list(self)
        for text in list(self.active):
            self.release(text)
        self._waiting.clear()
        return texts

    def __iter__(self) -> Iterator[TextRun]:
        return iter([*self.active, *self._waiting])


def _late(text: TextRun) -> str:
    if text.cache is None and not text.written:
        return "The time for this request was over before its turn came."
    return (
        f"The time for this request was over after {text.written} tokens; `timeout` allows more, "
        "or ask for fewer by parameters.max_new_tokens."
    )
