"""GET /audio/health, /tts/health and /audio/voices: what is here and how fast it is."""

from importlib import metadata
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from audio_svc.audio.encoding import FORMATS
from audio_svc.library import Library, LibraryEntry
from audio_svc.meter import AudioMeter
from fleetserve.errors import FleetError, InvalidFieldError, ModelNotFoundError
from fleetserve.tasks import Task

SHARED = ("numpy", "scipy", "soundfile", "torch", "transformers")
FOR_SPEECH = ("pyloudnorm", "python-stretch", "sentencepiece")
FOR_TRANSCRIPTION = ("tokenizers",)
EXTRA = ("av",)

audio_router = APIRouter()


async def library_of(request: Request) -> Library:
    library: Library = request.app.state.library
    return library


async def meter_of(request: Request) -> AudioMeter:
    meter: AudioMeter = request.app.state.meter
    return meter


LibraryHere = Annotated[Library, Depends(library_of)]
MeterHere = Annotated[AudioMeter, Depends(meter_of)]


@audio_router.get("/audio/health", summary="What audio can be done here")
def audio_health(request: Request, library: LibraryHere) -> dict[str, Any]:
    """Installed parts, models on disk, formats."""
    versions = {name: _version(name) for name in (*SHARED, *FOR_SPEECH, *FOR_TRANSCRIPTION, *EXTRA)}
    speech = all(versions[name] for name in (*SHARED, *FOR_SPEECH))
    transcription = all(versions[name] for name in (*SHARED, *FOR_TRANSCRIPTION))
    return {
        "success": True,
        "audio_available": speech or transcription,
        "tts_available": speech,
        "stt_available": transcription,
        "dependencies": versions,
        "tts_models": [_model(one) for one in library.entries(Task.TEXT_TO_SPEECH)],
        "stt_models": [_model(one) for one in library.entries(Task.AUTOMATIC_SPEECH_RECOGNITION)],
        "supported_formats": {
            "input": list(request.app.state.input_formats),
            "output": list(FORMATS),
        },
    }


@audio_router.get("/tts/health", summary="Voices, languages and measured speed")
def tts_health(library: LibraryHere, meter: MeterHere) -> dict[str, Any]:
    """``status`` is ok when a model can speak, else no_models."""
    entries = library.entries(Task.TEXT_TO_SPEECH)
    usable = [one for one in entries if not one.problem]
    return {
        "success": True,
        "status": "ok" if usable else "no_models",
        "loaded_tts_models": [one.name for one in usable if one.loaded],
        "available_voices": {one.name: [*one.voices, *one.own_voices] for one in usable},
        "supported_languages": {one.name: list(one.languages) for one in usable},
        "capabilities": {
            "speed": [0.5, 2.0],
            "pitch": [0.5, 2.0],
            "volume": [0.1, 2.0],
            "seed": True,
            "speaker_embedding": True,
            "return_timestamps": True,
            "output_formats": list(FORMATS),
            "stream": False,
            "normalize_lufs": [-60.0, -5.0],
            "emotions": ["neutral"],
        },
        "performance": meter.synthesis.report(),
    }


@audio_router.get("/audio/voices", summary="The voices of every model that speaks")
def voices(library: LibraryHere, model_name: str | None = None) -> dict[str, Any]:
    """The first voice of a model is the one that speaks unasked.

    `kind` is preset for what came with the model, own for what POST /audio/voices gave it.
    """
    entries = library.entries(Task.TEXT_TO_SPEECH)
    if model_name is not None:
        entries = [one for one in entries if one.name == model_name]
        if not entries:
            raise _voiceless(model_name, library)
    return {
        "success": True,
        "total_voices": sum(len(one.voices) + len(one.own_voices) for one in entries),
        "voices": {one.name: _voices(one) for one in entries},
    }


def _voiceless(name: str, library: Library) -> FleetError:
    if not library.is_two_stage(name):
        return ModelNotFoundError(name)
    return InvalidFieldError(
        "model_name",
        f"{name} writes what another model speaks, so that one's voices hold: audio.speech_model of"
        " the configuration, or what the request names as speech_model",
    )


def _voices(entry: LibraryEntry) -> list[dict[str, Any]]:
    presets = [
        {"name": voice, "default": place == 0, "kind": "preset"}
        for place, voice in enumerate(entry.voices)
    ]
    own = [{"name": voice, "default": False, "kind": "own"} for voice in entry.own_voices]
    return presets + own


def _model(entry: LibraryEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "model_id": entry.model_id,
        "revision": entry.revision,
        "loaded": entry.loaded,
        "usable": not entry.problem,
        "problem": entry.problem,
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
