"""Tries a revision on a replica, beside the one that serves, before it is published."""

from contextlib import suppress
from dataclasses import dataclass

import structlog

from fleetserve.announcements import Announcement, InstanceState
from fleetserve.errors import FleetError, InvalidFieldError, UnavailableError
from fleetserve.manifest import Manifest
from fleetserve.model_records import canonical_name
from model_registry_svc.fleet_calls.base import FleetCalls, NoAnswerError
from model_registry_svc.replicas import ReplicaBoard, ready_for, roomiest
from model_registry_svc.transfer import Watch

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.1
ASK_AGAIN_S = 1.0
# A replica that dies over a revision is a bad sign; its successor is asked once more.
MAX_REPLICAS_LOST = 2


@dataclass(frozen=True, slots=True)
class Tried:
    """A revision that is loaded on a replica; ``holds``: that one serves the model already."""

    manifest: Manifest
    replica: Announcement
    holds: bool


class Trial:
    """Blocking; for the worker."""

    def __init__(self, board: ReplicaBoard, calls: FleetCalls) -> None:
        self._board = board
        self._calls = calls

    def stage(self, manifest: Manifest, watch: Watch) -> Tried | None:
        """The revision loaded and warmed up; None where no replica is there to try it on.

        Raises: FleetError: why it can't be loaded. JobStoppedError: see Watch.
        """
        lost = 0
        while True:
            watch.check()
            replica, holds = self._choose(manifest, watch)
            if replica is None:
                return None
            try:
                while not self._calls.stage(replica, manifest.name, manifest.revision):
                    watch.pause(LOOK_EVERY_S)
            except NoAnswerError:
                lost += 1
                if lost >= MAX_REPLICAS_LOST:
                    raise
                watch.pause(ASK_AGAIN_S)
                continue
            except FleetError as exc:
                self._discard(replica, manifest)
                if isinstance(exc, InvalidFieldError) and not holds:
                    # No engine serves this task, so no request can fail by it either.
                    log.info("revision.untried", model=manifest.name, reason=exc.detail)
                    return None
                raise
            return Tried(manifest, replica, holds)

    def take_over(self, tried: Tried) -> None:
        """Has the replica serve what is published by now; the others follow by themselves."""
        manifest = tried.manifest
        if not tried.holds:
            self._discard(tried.replica, manifest)
            return
        try:
            self._calls.load(tried.replica, manifest.name, manifest.revision, wait=True)
        except FleetError as exc:
            # It finds out by itself in a moment.
            log.info("revision.not_told", on=tried.replica.replica_id, reason=exc.detail)

    def _discard(self, replica: Announcement, manifest: Manifest) -> None:
        with suppress(FleetError):  # It drops by itself what nobody publishes.
            self._calls.unload(replica, manifest.name, manifest.revision)

    def _choose(self, manifest: Manifest, watch: Watch) -> tuple[Announcement | None, bool]:
        """A replica that serves the model, else one with room; whether it serves it."""
        while True:
            try:
                announced = self._board.announcements()
                break
            except UnavailableError:
                watch.pause(ASK_AGAIN_S)
        ready = ready_for(announced, manifest.task)
        wanted = canonical_name(manifest.name)
        for replica in ready:
            for instance in replica.models:
                served = instance.state is InstanceState.READY
                if served and canonical_name(instance.name) == wanted:
                    return replica, True
        by_room = roomiest(ready, manifest.size_bytes)
        return (by_room[0] if by_room else None), False
