"""The port through which the registry has others load, try and unload models."""

from typing import Protocol

from fleetserve.announcements import Announcement
from fleetserve.errors import UnavailableError


class NoAnswerError(UnavailableError):
    """Whoever was called does not answer; whether anything was done is not known."""

    default_code = "no_answer"


class FleetCalls(Protocol):
    """Asks one process of the fleet. Blocking; safe from several threads; idempotent.

    Raises (from every method): NoAnswerError; else what was answered: NotFoundError,
    ConflictError, InvalidFieldError, UnavailableError (no room now), DoesNotFitError,
    UpstreamError with its detail (the model can't be loaded).
    """

    def load(self, replica: Announcement, name: str, revision: str, *, wait: bool) -> bool:
        """Whether the published revision serves there; with ``wait`` that may take minutes."""
        ...

    def stage(self, replica: Announcement, name: str, revision: str) -> bool:
        """Begins to load a revision beside the one that serves; whether it is loaded by now."""
        ...

    def unload(self, replica: Announcement, name: str, revision: str) -> int | None:
        """Takes it from service there.

        Returns: The bytes that it gave back, measured; None while requests hold it.
        """
        ...

    def leaving(self, replica: Announcement, name: str, revision: str) -> int | None:
        """What unload would return now, of what was taken from service by then."""
        ...

    def read_pins(self, replica: Announcement) -> None:
        """Returns when it knows what is pinned now."""
        ...

    def forget(self, autoscaler: Announcement, name: str) -> None:
        """Returns when it wants no number of instances of that model any more."""
        ...
