"""Voices that callers gave a model, beside those that it has by itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from audio_svc.speaking import SpeechOrder
from audio_svc.speech.base import SpeechEngine
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.models import ModelSpec
from fleetserve.voices import read_voices


def with_own_voice(order: SpeechOrder, spec: ModelSpec, engine: SpeechEngine) -> SpeechOrder:
    """The order with the vector of the voice it names, where that is one that was given.

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
    return replace(order, voice=None, embedding=found, own_voice=order.voice)


def read_own(home: Path) -> dict[str, np.ndarray]:
    """Name to float32 [size]. home: The model's folder, where its manifest lies."""
    return {
        name: np.array(voice.embedding, np.float32)
        for name, voice in read_voices(home.parent, home.name).items()
    }
