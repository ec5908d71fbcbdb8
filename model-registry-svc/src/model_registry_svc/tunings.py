"""Keeps what was found to make models faster, in a file beside each manifest."""

from collections.abc import Callable
from threading import Lock

import structlog

from fleetserve.errors import ModelNotFoundError
from fleetserve.tunings import Tuning, read_tunings, write_tunings
from model_registry_svc.library import Library

log = structlog.get_logger(__name__)


class TuningBook:
    """Blocking; safe from several threads. The only writer of these files."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = Lock()

    def all(self, name: str) -> tuple[Tuning, ...]:
        """Raises: ModelNotFoundError."""
        return read_tunings(self._library.models_dir, self._folder(name))

    def put(self, name: str, tuning: Tuning) -> None:
        """Replaces the one for the same revision, torch and hardware.

        Those of earlier revisions go: what they were for is not served any more.

        Raises: ModelNotFoundError.
        """
        kept = self._change(
            name,
            lambda old: (
                *(t for t in old if t.key != tuning.key and t.revision == tuning.revision),
                tuning,
            ),
        )
        log.info("tuning.kept", model=name, applied=tuning.applied, tunings=len(kept))

    def clear(self, name: str) -> int:
        """Forgets all of a model's; how many there were. Raises: ModelNotFoundError."""
        before = len(self.all(name))
        self._change(name, lambda _: ())
        log.info("tuning.forgotten", model=name, tunings=before)
        return before

    def _change(
        self, name: str, change: Callable[[tuple[Tuning, ...]], tuple[Tuning, ...]]
    ) -> tuple[Tuning, ...]:
        folder = self._folder(name)
        with self._lock:
            wanted = change(read_tunings(self._library.models_dir, folder))
            write_tunings(self._library.models_dir, folder, wanted)
        return wanted

    def _folder(self, name: str) -> str:
        manifest = self._library.find(name)
        if manifest is None:
            raise ModelNotFoundError(name)
        return manifest.name
