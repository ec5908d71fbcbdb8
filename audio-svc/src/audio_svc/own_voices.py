"""Voices that callers gave a model, beside those that it has by itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from audio_svc.speaking import SpeechOrder
from audio_svc.speech.base import Samples, SpeechEngine, VoiceSample
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.models import ModelSpec
from fleetserve.voices import OwnVoice, read_voices


def with_own_voice(order: SpeechOrder, spec: ModelSpec, engine: SpeechEngine) -> SpeechOrder:
    """The order with the vector or the recording of the voice it names, if that was given.

    Read anew each time: the registry writes them, and every replica has them at once.

    Raises: InvalidFieldError: there is no such voice, and which there are.
    """
    presets = engine.voices()
    if order.voice in (None, "default", *presets) or order.embedding is not None:
        return order
    own = {} if spec.folder is None else read_own(spec.folder.parent)
    found = own.get(order.voice or "")
    if found is None:
        raise InvalidFieldError(
            "voice",
            f"there is no {order.voice!r}; this model has {', '.join((*presets, *own))}",
        )
    own_order = replace(order, voice=None, own_voice=order.voice)
    if isinstance(found, VoiceSample):
        return replace(own_order, sample=found)
    return replace(own_order, embedding=found)


def read_own(home: Path) -> dict[str, Samples | VoiceSample]:
    """By name; vectors as float32 [size]. home: The model's folder, where its manifest lies."""
    return {name: _of(home, voice) for name, voice in read_voices(home.parent, home.name).items()}


def _of(home: Path, voice: OwnVoice) -> Samples | VoiceSample:
    if voice.recording:
        return VoiceSample(home / voice.recording, voice.transcript)
    return np.array(voice.embedding, np.float32)
