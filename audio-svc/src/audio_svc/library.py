"""The audio models that are here: on disk, and in this replica's memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from audio_svc.families import Family, family_of
from audio_svc.loader import NONE_BUILT_IN
from audio_svc.served import AudioModel
from fleetserve.errors import FleetError, ModelNotFoundError
from fleetserve.manifest import Manifest, list_manifests, read_manifest, revision_dir
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.pool import ModelPool
from fleetserve.tasks import AUDIO_SERVICE, Task, service_for_task
from fleetserve.voices import read_voices


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One audio model.

    Attributes:
        own_voices: Those that callers gave it.
        problem: Why it can't be used here, if so.
    """

    name: str
    task: str
    model_id: str
    revision: str
    loaded: bool
    voices: tuple[str, ...] = ()
    own_voices: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    problem: str = ""


class Library:
    """Reads the manifests anew each time: the registry's worker is their only writer."""

    def __init__(
        self,
        models_dir: Path,
        families: Mapping[str, Family],
        pool: ModelPool[AudioModel],
        built_in: Mapping[str, ModelSpec] = NONE_BUILT_IN,
    ) -> None:
        self._built_in = built_in
        self._models_dir = models_dir
        self._families = families
        self._pool = pool

    def entries(self, task: Task | None = None) -> list[LibraryEntry]:
        """By name; of one task, or all that this service serves."""
        found = [
            self._describe(manifest, manifest.model_id, revision_dir(self._models_dir, manifest))
            for manifest in list_manifests(self._models_dir)
            if service_for_task(manifest.task) == AUDIO_SERVICE
        ]
        found += [
            self._describe(spec, spec.name, spec.folder)
            for spec in self._built_in.values()
            if spec.folder is not None
        ]
        return sorted(
            (entry for entry in found if task in (None, entry.task)), key=lambda entry: entry.name
        )

    def is_two_stage(self, name: str) -> bool:
        """Whether it only writes what another model speaks."""
        try:
            return read_manifest(self._models_dir, name).two_stage_voice
        except ModelNotFoundError:
            return False

    def _describe(self, told: Manifest | ModelSpec, model_id: str, folder: Path) -> LibraryEntry:
        voices: tuple[str, ...] = ()
        languages: tuple[str, ...] = ()
        try:
            facts = family_of(folder, told.name, self._families).read(folder)
            voices, languages, problem = facts.voices, facts.languages, facts.missing
        except FleetError as exc:
            problem = exc.detail
        return LibraryEntry(
            name=told.name,
            task=told.task,
            model_id=model_id,
            revision=told.revision,
            loaded=self._pool.get_ready(told.name) is not None,
            voices=voices,
            own_voices=tuple(read_voices(self._models_dir, told.name)),
            languages=languages,
            problem=problem,
        )
