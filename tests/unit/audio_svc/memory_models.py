"""Models of the memory engines, published like real ones, for tests that need no torch."""

import json
from pathlib import Path

from audio_svc.facts import FileFacts
from audio_svc.families import Engine, Family
from audio_svc.speech.memory import ToneSpeech
from audio_svc.transcription.memory import FixedTranscription
from fleetserve.manifest import Manifest, publish_manifest, revision_dir
from fleetserve.tasks import Task

TONE = "tone"
FIXED = "fixed"
REVISION = "abc123"


def _load_tone(folder: Path, device: str) -> Engine:
    return Engine(64, lambda: None, speech=ToneSpeech())


def _load_fixed(folder: Path, device: str) -> Engine:
    return Engine(32, lambda: None, transcription=FixedTranscription())


def _tone_facts(folder: Path) -> FileFacts:
    missing = "its tuning fork is gone." if (folder / "broken").exists() else ""
    return FileFacts(("default", "low"), ("en",), missing)


FAMILIES = {
    TONE: Family(TONE, Task.TEXT_TO_SPEECH, _load_tone, _tone_facts),
    FIXED: Family(
        FIXED,
        Task.AUTOMATIC_SPEECH_RECOGNITION,
        _load_fixed,
        lambda _folder: FileFacts(languages=("de", "en")),
    ),
}


def publish(
    models_dir: Path, name: str, model_type: str, task: str, *, two_stage_voice: bool = False
) -> Path:
    """The folder of the published revision."""
    manifest = Manifest(
        name=name,
        source="local",
        model_id=f"tests/{name}",
        revision=REVISION,
        task=task,
        files=(),
        size_bytes=64,
        created_at=0.0,
        two_stage_voice=two_stage_voice,
    )
    folder = revision_dir(models_dir, manifest)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    publish_manifest(models_dir, manifest)
    return folder


def publish_both(models_dir: Path) -> None:
    publish(models_dir, TONE, TONE, Task.TEXT_TO_SPEECH)
    publish(models_dir, FIXED, FIXED, Task.AUTOMATIC_SPEECH_RECOGNITION)
