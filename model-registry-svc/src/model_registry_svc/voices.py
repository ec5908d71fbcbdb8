"""Keeps the voices that callers give a model, in a file beside its manifest."""

import json
import math
from collections.abc import Sequence
from threading import Lock

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import ConflictError, InvalidFieldError, ModelNotFoundError, NotFoundError
from fleetserve.manifest import Manifest, revision_dir
from fleetserve.voices import VOICE_NAME, OwnVoice, read_voices, write_voices
from model_registry_svc.library import Library

log = structlog.get_logger(__name__)

MAX_VOICES = 100
# What a model's config.json calls the size of the vectors it speaks by.
SIZE_KEY = "speaker_embedding_dim"
RESERVED = frozenset({"default", "neutral"})


class VoiceBook:
    """Blocking; safe from several threads. The only writer of these files."""

    def __init__(self, library: Library, clock: Clock) -> None:
        self._library = library
        self._clock = clock
        self._lock = Lock()

    def put(self, model: str, voice: str, embedding: Sequence[float]) -> bool:
        """Keeps it; whether there was one of that name before.

        Raises: ModelNotFoundError; InvalidFieldError: this is no voice for that model;
        ConflictError: the name is a preset's, or there are too many.
        """
        manifest = self._find(model)
        self._check_name(manifest, voice)
        self._check_vector(manifest, embedding)
        with self._lock:
            voices = read_voices(self._library.models_dir, manifest.name)
            replaced = voice in voices
            if not replaced and len(voices) >= MAX_VOICES:
                raise ConflictError(
                    f"{manifest.name} has {MAX_VOICES} voices, which is the most; delete one "
                    "first.",
                    code="too_many_voices",
                )
            voices[voice] = OwnVoice(tuple(map(float, embedding)), self._clock.now_s())
            write_voices(self._library.models_dir, manifest.name, voices)
        log.info("voice.kept", model=manifest.name, voice=voice, replaced=replaced)
        return replaced

    def remove(self, model: str, voice: str) -> None:
        """Raises: ModelNotFoundError; NotFoundError: no such voice was given."""
        manifest = self._find(model)
        with self._lock:
            voices = read_voices(self._library.models_dir, manifest.name)
            if voices.pop(voice, None) is None:
                raise NotFoundError(
                    f"Nobody gave {manifest.name} a voice {voice!r}; there are "
                    f"{', '.join(voices) or 'none'}. Presets can't be deleted.",
                    code="voice_not_found",
                )
            write_voices(self._library.models_dir, manifest.name, voices)
        log.info("voice.deleted", model=manifest.name, voice=voice)

    def _find(self, model: str) -> Manifest:
        manifest = self._library.find(model)
        if manifest is None:
            raise ModelNotFoundError(model)
        return manifest

    def _check_name(self, manifest: Manifest, voice: str) -> None:
        if VOICE_NAME.fullmatch(voice) is None:
            raise InvalidFieldError(
                "name", "has 1 to 64 letters, digits, dots, dashes and underscores"
            )
        presets = {f"voices/{voice}.npy"} & {file.path for file in manifest.files}
        if voice in RESERVED or presets:
            raise ConflictError(
                f"{manifest.name} has a voice {voice!r} of its own; choose another name.",
                code="voice_is_preset",
            )

    def _check_vector(self, manifest: Manifest, embedding: Sequence[float]) -> None:
        size = self._embedding_size(manifest)
        if not size:
            raise InvalidFieldError(
                "model_name", f"{manifest.name} takes no voices by vectors; models like SpeechT5 do"
            )
        if len(embedding) != size:
            raise InvalidFieldError("embedding", f"wants {size} numbers, not {len(embedding)}")
        if not all(map(math.isfinite, embedding)) or not any(embedding):
            raise InvalidFieldError("embedding", "the numbers are not finite, or all zero")

    def _embedding_size(self, manifest: Manifest) -> int:
        path = revision_dir(self._library.models_dir, manifest) / "config.json"
        try:
            size = json.loads(path.read_bytes()).get(SIZE_KEY, 0)
        except (OSError, ValueError, AttributeError):
            return 0
        return size if isinstance(size, int) else 0
