"""Finds, loads and unloads the models of this replica."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audio_svc.families import Family, family_of
from audio_svc.served import AudioModel
from audio_svc.speech.base import SharedSpeech
from fleetserve.clock import Clock
from fleetserve.errors import ConflictError, InvalidFieldError
from fleetserve.manifest import Manifest, read_manifest, revision_dir
from fleetserve.replica.jobs import JobSource
from fleetserve.replica.models import Loaded, ModelSpec
from fleetserve.replica.shared_step import MAX_ITEMS
from fleetserve.replica.slot import ComputeSlot
from fleetserve.settings import ServiceSettings
from fleetserve.tasks import AUDIO_SERVICE, service_for_task

WEIGHT_ENDINGS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
MAX_ACTIVE = 4  # Orders that are spoken in turn; those that share steps are as many as these take.
NONE_BUILT_IN: Mapping[str, ModelSpec] = {}


@dataclass(frozen=True, slots=True)
class DeviceTools:
    """The parts that need torch, which is imported only when ``open`` is called.

    Attributes:
        open: Picks and sets up the device; its name.
        free_bytes: Of that device; negative: not known.
        held_bytes: What this process holds of it.
        give_back: Returns freed memory to the system.
    """

    open: Callable[[], str]
    free_bytes: Callable[[str], int]
    held_bytes: Callable[[str], int]
    give_back: Callable[[str], None]


class AudioLoader:
    """A ``ModelLoader`` for models that speak and models that listen."""

    def __init__(
        self,
        settings: ServiceSettings,
        slot: ComputeSlot,
        clock: Clock,
        *,
        tools: DeviceTools,
        families: Mapping[str, Family],
        built_in: Mapping[str, ModelSpec] = NONE_BUILT_IN,
    ) -> None:
        self._built_in = built_in
        self._models_dir = settings.models_dir
        self._slot = slot
        self._clock = clock
        self._tools = tools
        self._families = families
        self._device = ""

    def prepare(self) -> str:
        self._device = self._tools.open()
        return self._device

    def find(self, name: str, revision: str | None = None) -> ModelSpec:
        """What is built in, or what the manifest and the files say.

        Raises: ModelNotFoundError; InvalidFieldError: its task or family is not served here;
        ConflictError: a part of it is missing.
        """
        if name in self._built_in:
            return self._built_in[name]
        manifest = read_manifest(self._models_dir, name, revision)
        if service_for_task(manifest.task) != AUDIO_SERVICE:
            raise InvalidFieldError(
                "model_name",
                f"{name} is a model for {manifest.task}; POST /predict takes it, and the audio "
                "routes do not",
            )
        folder = revision_dir(self._models_dir, manifest)
        missing = family_of(folder, name, self._families).read(folder).missing
        if missing:
            raise ConflictError(f"{name} can't be loaded: {missing}", code="model_incomplete")
        return ModelSpec(
            name=name,
            revision=manifest.revision,
            task=manifest.task,
            expected_bytes=_weight_bytes(manifest),
            folder=folder,
            manifest=manifest,
        )

    def load(self, spec: ModelSpec) -> Loaded[AudioModel]:
        assert spec.folder is not None, "every model here comes from files"
        family = family_of(spec.folder, spec.name, self._families)
        engine = family.load(spec.folder, self._device)
        # Computed where everything else is, so that it doesn't take the cores of a request.
        self._slot.call(engine.warm_up).result()
        together = isinstance(engine.speech, SharedSpeech)
        jobs = JobSource(
            f"{spec.name}@{spec.revision}",
            self._slot,
            self._clock,
            max_active=MAX_ITEMS if together else MAX_ACTIVE,
        )
        model = AudioModel(jobs, speech=engine.speech, transcription=engine.transcription)
        return Loaded(model, engine.storage_bytes, engine.dtype)

    def unload(self, spec: ModelSpec, model: AudioModel) -> None:
        del spec
        model.jobs.close()
        # After whatever the compute thread was doing with this model.
        self._slot.call(lambda: None).result()
        # The last reference: its memory is free before what is free is given back.
        del model
        self._tools.give_back(self._device)

    def held_bytes(self) -> int:
        return self._tools.held_bytes(self._device) if self._device else 0

    def free_bytes(self) -> int:
        return self._tools.free_bytes(self._device) if self._device else -1


def _weight_bytes(manifest: Manifest) -> int:
    """Per folder (the vocoder has its own) the larger of the formats its weights come in."""
    sizes: dict[tuple[str, str], int] = {}
    for file in manifest.files:
        folder, _, name = file.path.rpartition("/")
        for ending in WEIGHT_ENDINGS:
            if name.endswith(ending):
                sizes[folder, ending] = sizes.get((folder, ending), 0) + file.size
    largest: dict[str, int] = {}
    for (folder, _ending), size in sizes.items():
        largest[folder] = max(size, largest.get(folder, 0))
    return sum(largest.values()) or manifest.size_bytes
