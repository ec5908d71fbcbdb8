"""Checkpoints as the registry's worker leaves them in the models folder: files and manifest."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from fleetserve.manifest import (
    DEFAULT_VOICE_FILE,
    VOCODER_FOLDER,
    Manifest,
    ManifestFile,
    VocoderSource,
    publish_manifest,
)
from fleetserve.tasks import Task
from tests.checkpoints.causal import write_gpt2, write_llama
from tests.checkpoints.hub_root import GPT2, HIFIGAN, SMOLLM2, SPEECHT5, WAV2VEC2, WHISPER
from tests.checkpoints.speecht5 import WeightLayout, write_hifigan, write_speecht5
from tests.checkpoints.wav2vec2 import write_wav2vec2
from tests.checkpoints.whisper import write_whisper
from tests.checkpoints.xvectors import xvector_file

REVISION = "0123456789abcdef0123456789abcdef01234567"


def _publish(
    models_dir: Path,
    name: str,
    model_id: str,
    task: Task,
    write: Callable[[Path], None],
    vocoder: VocoderSource | None = None,
) -> Path:
    folder = models_dir / name / REVISION
    write(folder)
    files = tuple(
        ManifestFile(
            path=path.relative_to(folder).as_posix(),
            size=path.stat().st_size,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
    manifest = Manifest(
        name=name,
        source="huggingface",
        model_id=model_id,
        revision=REVISION,
        task=task,
        files=files,
        size_bytes=sum(file.size for file in files),
        created_at=0.0,
        vocoder=vocoder,
        allow_pickle=vocoder is not None,
    )
    publish_manifest(models_dir, manifest)
    return folder


def publish_speecht5(
    models_dir: Path,
    name: str = "speecht5_tts",
    *,
    layout: WeightLayout = WeightLayout.PICKLE_ONLY,
    vocoder: bool = True,
    default_voice: bool = True,
) -> Path:
    """The folder of the revision, with vocoder/ and voices/default.npy unless left out."""

    def write(folder: Path) -> None:
        write_speecht5(folder, layout)
        if vocoder:
            write_hifigan(folder / VOCODER_FOLDER)
        if default_voice:
            voice = folder / DEFAULT_VOICE_FILE
            voice.parent.mkdir()
            voice.write_bytes(xvector_file(0))

    source = VocoderSource(model_id=HIFIGAN, revision=REVISION) if vocoder else None
    return _publish(models_dir, name, SPEECHT5, Task.TEXT_TO_SPEECH, write, source)


def publish_speech(
    models_dir: Path, name: str, model_id: str, write: Callable[[Path], None]
) -> Path:
    """The folder of the revision: a model that needs nothing beside its own repository."""
    return _publish(models_dir, name, model_id, Task.TEXT_TO_SPEECH, write)


def publish_whisper(models_dir: Path, name: str = "whisper-base") -> Path:
    """The folder of the revision."""
    task = Task.AUTOMATIC_SPEECH_RECOGNITION
    return _publish(models_dir, name, WHISPER, task, write_whisper)


def publish_wav2vec2(models_dir: Path, name: str = "wav2vec2-base-960h") -> Path:
    """The folder of the revision."""
    task = Task.AUTOMATIC_SPEECH_RECOGNITION
    return _publish(models_dir, name, WAV2VEC2, task, write_wav2vec2)


def publish_llama(models_dir: Path, name: str = "smollm2") -> Path:
    """The folder of the revision: a chat model."""
    return _publish(models_dir, name, SMOLLM2, Task.TEXT_GENERATION, write_llama)


def publish_gpt2(models_dir: Path, name: str = "gpt2") -> Path:
    """The folder of the revision: a model without a chat template."""
    return _publish(models_dir, name, GPT2, Task.TEXT_GENERATION, write_gpt2)
