"""The last quarter of an hour, tick by tick."""

from collections import deque
from dataclasses import dataclass

from autoscaler_svc.fleet_state import FleetState

KEPT_S = 900.0


@dataclass(frozen=True, slots=True)
class Point:
    """One service at one tick; ``at_s`` is wall time."""

    at_s: float
    desired: int
    ready: int
    load: float
    held: int


class Series:
    """In this process only; the journal keeps what matters for longer."""

    def __init__(self) -> None:
        self._points: dict[str, deque[Point]] = {}

    def add(self, state: FleetState) -> None:
        for name, service in state.services.items():
            points = self._points.setdefault(name, deque())
            assessed = service.assessment
            load, held = round(assessed.situation.load, 3), assessed.snapshot.held
            points.append(Point(state.at_s, service.desired, service.ready, load, held))
            while points and points[0].at_s < state.at_s - KEPT_S:
                points.popleft()

    def since(self, at_s: float) -> dict[str, list[Point]]:
        """By service, oldest first."""
        return {
            name: [point for point in points if point.at_s >= at_s]
            for name, points in self._points.items()
        }
