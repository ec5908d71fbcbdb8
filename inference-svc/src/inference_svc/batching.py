"""What the next batch of a model is; pure, for one thread (the compute thread).

Each selection takes the oldest item of the highest priority and fills up with the nearest
lengths, and every dispatch selects anew from all that waits. Sending all that waits as one
batch instead loses 40 % to padding; cutting the sorted waiting set once loses 2 to 5 % against
selecting each time. Where an engine packs, lengths cost nothing, and the oldest go first.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

AGING_S = 5.0  # Waiting so long is worth one step of priority, so that nothing starves.


class Waiting(Protocol):
    """One input that waits.

    Attributes:
        length: Tokens (or whatever is padded), at least 1.
        priority: 0 to 10, higher first.
        since_s: When it came.
        group: Only items of one group can share a batch.
        alone: It shares with nobody.
        dropped: Nobody waits for it any more.
    """

    @property
    def length(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def since_s(self) -> float: ...
    @property
    def group(self) -> Hashable: ...
    @property
    def alone(self) -> bool: ...
    @property
    def dropped(self) -> bool: ...


W = TypeVar("W", bound=Waiting)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one batch may be: ``tokens`` counts padding; one item goes whatever its length.

    Attributes:
        packed: Nothing is padded.
    """

    tokens: int
    size: int
    packed: bool = False


@dataclass(slots=True)
class Selection(Generic[W]):
    """A batch.

    Attributes:
        full: The bound on tokens ended it, with more waiting: only then does its throughput
            say anything about the bound.
    """

    items: list[W]
    longest: int
    full: bool = False
    packed: bool = False

    @property
    def useful(self) -> int:
        return sum(item.length for item in self.items)

    @property
    def padded(self) -> int:
        return self.useful if self.packed else self.longest * len(self.items)

    def admits(self, length: int, bounds: Bounds) -> bool:
        if self.packed:
            return self.useful + length <= bounds.tokens
        return (len(self.items) + 1) * max(self.longest, length) <= bounds.tokens

    def take(self, item: W) -> None:
        self.items.append(item)
        self.longest = max(self.longest, item.length)


class _Lane(Generic[W]):
    """The items of one priority and group, by age and by length.

    Items leave by_length when they are taken; by_age forgets them when they come to its front.
    """

    __slots__ = ("by_age", "by_length", "priority")

    def __init__(self, priority: int) -> None:
        self.priority = priority
        self.by_age: deque[tuple[int, W]] = deque()
        self.by_length: list[tuple[int, int, W]] = []

    def add(self, number: int, item: W) -> None:
        self.by_age.append((number, item))
        # The number is unique, so items themselves are never compared.
        insort(self.by_length, (item.length, number, item))

    def head(self) -> W | None:
        """The oldest that still waits; what was taken or dropped is forgotten on the way."""
        while self.by_age:
            number, item = self.by_age[0]
            place = self._place(item.length, number)
            if place is not None and not item.dropped:
                return item
            self.by_age.popleft()
            if place is not None:
                del self.by_length[place]
        return None

    def take_head(self) -> W:
        number, item = self.by_age.popleft()
        place = self._place(item.length, number)
        assert place is not None, "head() is called first"
        del self.by_length[place]
        return item

    def fill(self, batch: Selection[W], bounds: Bounds) -> None:
        """Moves items into the batch until a bound is met."""
        if batch.packed:
            self._fill_by_age(batch, bounds)
        else:
            self._fill_by_length(batch, bounds)

    def _fill_by_age(self, batch: Selection[W], bounds: Bounds) -> None:
        while len(batch.items) < bounds.size and (item := self.head()) is not None:
            if item.alone:
                break
            if not batch.admits(item.length, bounds):
                batch.full = True
                break
            batch.take(self.take_head())

    def _fill_by_length(self, batch: Selection[W], bounds: Bounds) -> None:
        rows = self.by_length
        right = bisect_left(rows, (batch.items[0].length,))
        left = right - 1
        target = batch.items[0].length
        while len(batch.items) < bounds.size:
            go_left = left >= 0 and (
                right >= len(rows) or target - rows[left][0] <= rows[right][0] - target
            )
            if not go_left and right >= len(rows):
                break
            at = left if go_left else right
            item = rows[at][2]
            if not (item.alone or item.dropped):
                if not batch.admits(item.length, bounds):
                    batch.full = True
                    break
                batch.take(item)
            if go_left:
                left -= 1
            else:
                right += 1
        self._remove_taken(left + 1, right)

    def _remove_taken(self, start: int, end: int) -> None:
        """What was passed over and not taken stays where it was."""
        kept = [row for row in self.by_length[start:end] if row[2].alone and not row[2].dropped]
        self.by_length[start:end] = kept

    def _place(self, length: int, number: int) -> int | None:
        place = bisect_left(self.by_length, (length, number))
        found = place < len(self.by_length) and self.by_length[place][1] == number
        return place if found else None


class BatchQueue(Generic[W]):
    """All that waits for one model."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[Hashable, int], _Lane[W]] = {}
        self._count = 0

    def __len__(self) -> int:
        """What waits, or was dropped a moment ago; any thread."""
        return sum(len(lane.by_length) for lane in list(self._lanes.values()))

    def add(self, item: W) -> None:
        key = (item.group, item.priority)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(item.priority)
        self._count += 1
        lane.add(self._count, item)

    def select(self, bounds: Bounds) -> Selection[W] | None:
        """The next batch, taken out of the queue; None when nothing waits.

        The first item is the oldest of the highest priority. Where its own priority does not
        fill the batch, lower and higher ones of the same group ride along.
        """
        lane = self._first_lane()
        if lane is None:
            return None
        head = lane.take_head()
        batch = Selection([head], head.length, packed=bounds.packed)
        if not head.alone:
            lane.fill(batch, bounds)
            for other in self._others(head.group, lane):
                if batch.full or len(batch.items) >= bounds.size:
                    break
                other.fill(batch, bounds)
        return batch

    def _first_lane(self) -> _Lane[W] | None:
        """Waiting raises every item alike, so two never change places: no timer is needed."""
        best: _Lane[W] | None = None
        best_rank = 0.0
        for key, lane in list(self._lanes.items()):
            head = lane.head()
            if head is None:
                del self._lanes[key]
                continue
            rank = head.since_s / AGING_S - head.priority
            if best is None or rank < best_rank:
                best, best_rank = lane, rank
        return best

    def _others(self, group: Hashable, lane: _Lane[W]) -> list[_Lane[W]]:
        others = [
            other
            for (other_group, _), other in self._lanes.items()
            if other_group == group and other is not lane
        ]
        return sorted(others, key=lambda other: -other.priority)
