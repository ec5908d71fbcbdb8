"""Replicas that went without our doing, and may come back by themselves."""

from collections.abc import Sequence

from autoscaler_svc.census import Member

# As in `compose up` after a build, which ends a container, removes it and makes it anew.
EXCUSED_S = 15.0


class Absences:
    """Remembers for each service who was there; times are the caller's monotonic clock."""

    def __init__(self, began_s: float) -> None:
        self._began_s = began_s
        self._there: dict[str, set[str]] = {}
        self._went: dict[str, list[float]] = {}

    def dismiss(self, service: str, unit_id: str) -> None:
        """This one is ended on purpose, and not waited for."""
        self._there.get(service, set()).discard(unit_id)

    def excused(self, service: str, members: Sequence[Member], now_s: float) -> int:
        """How many missing replicas are not to be made up for yet.

        Args:
            service: Whose members these are.
            members: Who is there now.
            now_s: Now.
        """
        there = {m.unit.id for m in members if m.unit is not None and m.is_live}
        if service not in self._there and not members and now_s - self._began_s < EXCUSED_S:
            # The fleet's own are about to be started, or they never will.
            return 1
        before = self._there.get(service, set())
        self._there[service] = there
        went = before - there
        times = [t for t in self._went.get(service, []) if now_s - t < EXCUSED_S]
        self._went[service] = [*times, *[now_s] * len(went)]
        return len(self._went[service])
