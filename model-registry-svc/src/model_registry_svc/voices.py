"""Keeps the voices that callers give a model, in files beside its manifest."""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import structlog

from fleetserve.built_in import find_built_in
from fleetserve.clock import Clock
from fleetserve.errors import ConflictError, InvalidFieldError, ModelNotFoundError, NotFoundError
from fleetserve.manifest import Manifest, revision_dir
from fleetserve.voices import (
    VOICE_NAME,
    OwnVoice,
    read_voices,
    speaks_like_recordings,
    write_voices,
)
from model_registry_svc.library import Library
from model_registry_svc.recordings import FIELD, to_flac

log = structlog.get_logger(__name__)

MAX_VOICES = 100
# What a model's config.json calls the size of the vectors it speaks by.
SIZE_KEY = "speaker_embedding_dim"
RESERVED = frozenset({"default", "neutral", "unprompted"})
RECORDING = "voice-{}.flac"
MAX_TRANSCRIPT_CHARS = 400  # More than anybody says in a recording of that length.


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
        kept = OwnVoice(tuple(map(float, embedding)), self._clock.now_s())
        with self._lock:
            return self._keep(manifest, voice, kept)

    def put_recording(self, model: str, voice: str, data: bytes, transcript: str) -> bool:
        """As put, of a sound file and what is said in it.

        Raises: what put raises; UnsupportedMediaError: it is no sound file.
        """
        manifest = self._find(model)
        self._check_name(manifest, voice)
        self._check_takes_recordings(manifest)
        _check_transcript(transcript)
        sound = to_flac(data)
        # Named by what it holds, so that no replica takes one recording for another.
        name = RECORDING.format(hashlib.sha256(sound).hexdigest()[:32])
        kept = OwnVoice((), self._clock.now_s(), name, transcript.strip())
        with self._lock:
            home = self._library.models_dir / manifest.name
            (home / name).write_bytes(sound)
            try:
                return self._keep(manifest, voice, kept)
            finally:
                self._sweep(home)

    def _keep(self, manifest: Manifest, voice: str, kept: OwnVoice) -> bool:
        voices = read_voices(self._library.models_dir, manifest.name)
        replaced = voice in voices
        if not replaced and len(voices) >= MAX_VOICES:
            raise ConflictError(
                f"{manifest.name} has {MAX_VOICES} voices, which is the most; delete one first.",
                code="too_many_voices",
            )
        voices[voice] = kept
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
            self._sweep(self._library.models_dir / manifest.name)
        log.info("voice.deleted", model=manifest.name, voice=voice)

    def _sweep(self, home: Path) -> None:
        """Removes the recordings that are nobody's voice any more."""
        kept = {voice.recording for voice in read_voices(home.parent, home.name).values()}
        for path in home.glob(RECORDING.format("*")):
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _find(self, model: str) -> Manifest:
        manifest = self._library.find(model)
        if manifest is None:
            if find_built_in(model) is not None:
                raise InvalidFieldError(
                    "model_name",
                    f"{model} is built in and keeps no more voices; speaker_embedding of POST "
                    "/synthesize mixes its own",
                )
            raise ModelNotFoundError(model)
        return manifest

    def _check_name(self, manifest: Manifest, voice: str) -> None:
        if VOICE_NAME.fullmatch(voice) is None:
            raise InvalidFieldError(
                "name", "has 1 to 64 letters, digits, dots, dashes and underscores"
            )
        presets = {f"voices/{voice}.npy", f"presets/{voice}.npz"} & {
            file.path for file in manifest.files
        }
        if voice in RESERVED or presets:
            raise ConflictError(
                f"{manifest.name} has a voice {voice!r} of its own; choose another name.",
                code="voice_is_preset",
            )

    def _check_takes_recordings(self, manifest: Manifest) -> None:
        if _takes_recordings(manifest):
            return
        size = self._embedding_size(manifest)
        why = (
            f"speaks by vectors of {size} numbers, and there is no encoder here that makes one of "
            "a recording: send `embedding`, or .npy as `file`"
            if size
            else "takes no recordings"
        )
        able = [one.name for one in self._library.manifests() if _takes_recordings(one)]
        raise InvalidFieldError(
            FIELD,
            f"{manifest.name} {why}. VALL-E X speaks like a recording: "
            f"{', '.join(able) or 'none is here yet, the catalogue has it as vall-e-x'}.",
            code="takes_no_recordings",
        )

    def _check_vector(self, manifest: Manifest, embedding: Sequence[float]) -> None:
        size = self._embedding_size(manifest)
        if not size:
            instead = "send it a recording" if _takes_recordings(manifest) else "SpeechT5 does"
            raise InvalidFieldError(
                "model_name", f"{manifest.name} takes no voices by vectors; {instead}"
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


def _takes_recordings(manifest: Manifest) -> bool:
    return any(speaks_like_recordings(file.path) for file in manifest.files)


def _check_transcript(transcript: str) -> None:
    if not any(sign.isascii() and sign.isalpha() for sign in transcript):
        raise InvalidFieldError("transcript", "is missing: the English words of the recording")
    if len(transcript) > MAX_TRANSCRIPT_CHARS:
        raise InvalidFieldError("transcript", f"has at most {MAX_TRANSCRIPT_CHARS} characters")
