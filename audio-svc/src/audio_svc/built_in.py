"""The models whose files are in this package."""

from pathlib import Path

from fleetserve.built_in import SPEECH_MODELS
from fleetserve.replica.models import ModelSpec

FOLDER = Path(__file__).with_name("models")


def built_in_specs() -> dict[str, ModelSpec]:
    return {
        record.name: ModelSpec(
            name=record.name,
            revision=record.revision,
            task=record.task,
            expected_bytes=record.size_bytes,
            folder=FOLDER / record.name,
        )
        for record in SPEECH_MODELS
    }
