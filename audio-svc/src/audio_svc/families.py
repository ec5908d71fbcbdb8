"""The families of models this service can load, and what their files tell without loading."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio_svc.facts import FileFacts
from audio_svc.speech.base import SpeechEngine
from audio_svc.transcription.base import TranscriptionEngine
from fleetserve.errors import ConflictError, InvalidFieldError
from fleetserve.tasks import Task

CONFIG_FILE = "config.json"


@dataclass(frozen=True, slots=True)
class Engine:
    """A loaded engine. Exactly one of ``speech`` and ``transcription`` is there.

    Attributes:
        storage_bytes: Memory of its weights, measured.
        warm_up: Makes it ready to serve; for the compute thread.
        dtype: Of its weights; speech stays float32 unless it is asked otherwise.
    """

    storage_bytes: int
    warm_up: Callable[[], None]
    speech: SpeechEngine | None = None
    transcription: TranscriptionEngine | None = None
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture.

    Attributes:
        model_type: As config.json says it.
        load: From the folder of files and a device; blocking.
        read: Quick; never imports a model library.
        is_in: Whether files whose config.json is missing or says nothing are this family's.
    """

    model_type: str
    task: Task
    load: Callable[[Path, str], Engine]
    read: Callable[[Path], FileFacts]
    is_in: Callable[[Path], bool] = lambda _folder: False


def family_of(folder: Path, name: str, families: Mapping[str, Family]) -> Family:
    """The family of the model in a folder.

    Raises: InvalidFieldError: no engine here loads it; ConflictError: its files are broken.
    """
    # Some repositories have one with nothing in it, for the hub to count downloads by.
    if not (folder / CONFIG_FILE).exists() or "model_type" not in read_config(folder, name):
        for family in families.values():
            if family.is_in(folder):
                return family
    model_type = read_config(folder, name).get("model_type")
    if str(model_type) not in families:
        raise InvalidFieldError(
            "model_name",
            f"{name} is of the family {model_type}; engines here load {', '.join(families)}",
        )
    return families[str(model_type)]


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """config.json. Raises: ConflictError: it is missing or broken."""
    try:
        config = json.loads((folder / CONFIG_FILE).read_bytes())
    except (OSError, ValueError) as exc:
        raise ConflictError(
            f"{name} has no readable config.json ({type(exc).__name__}); download it again.",
            code="model_files_broken",
        ) from None
    return dict(config)
