"""Models whose files come with Fleetserve: every service knows them, and nothing is downloaded.

They are loaded on first use and may leave again, like any model on disk. ``example``, which
every replica for inference holds from its start, is not one of them.
"""

from fleetserve.model_records import ModelRecord, ModelState, canonical_name
from fleetserve.tasks import Task

SOURCE = "built-in"
REVISION = "built-in"
CREATED_S = 1_795_824_000.0  # When they were trained.
# Of their weights in memory, in float32; what a replica measures counts.
MB = 1_000_000

SPEECH_MODELS = tuple(
    ModelRecord(
        name=name,
        task=task,
        state=ModelState.READY,
        revision=REVISION,
        source=SOURCE,
        model_id=name,
        size_bytes=megabytes * MB,
        created_at=CREATED_S,
    )
    for name, task, megabytes in (
        ("tiny_stt", Task.AUTOMATIC_SPEECH_RECOGNITION, 13),
        ("tiny_tts", Task.TEXT_TO_SPEECH, 10),
    )
)
DESCRIPTIONS = {
    "tiny_stt": "A small English ear, trained on espeak-ng's speech; for trying the fleet out.",
    "tiny_tts": "A small English voice, trained on espeak-ng's speech; for trying the fleet out.",
}


def find_built_in(name: str) -> ModelRecord | None:
    """The one of that name, spelt with _ or -."""
    wanted = canonical_name(name)
    return next((r for r in SPEECH_MODELS if canonical_name(r.name) == wanted), None)
