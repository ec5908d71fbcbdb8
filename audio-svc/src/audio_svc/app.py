"""Composition root of audio-svc: the only file that names concrete adapters."""

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from audio_svc.api.control import audio_router
from audio_svc.api.openai_speech import OpenaiSpeechRoute
from audio_svc.api.openai_transcription import OpenaiTranscriptionRoute
from audio_svc.api.openai_transcription_body import TranscriptionForm, TranslationForm
from audio_svc.api.predict import PredictRoute
from audio_svc.api.stream import stream_router
from audio_svc.api.synthesize import SynthesizeRoute
from audio_svc.api.transcribe import TranscribeRoute
from audio_svc.audio.decoding import input_formats
from audio_svc.built_in import built_in_specs
from audio_svc.families import Engine, Family
from audio_svc.library import Library
from audio_svc.listener import Listener
from audio_svc.loader import AudioLoader, DeviceTools
from audio_svc.meter import AudioMeter
from audio_svc.open_speech import SpeechStreamer
from audio_svc.served import AudioModel
from audio_svc.settings import AudioSettings
from audio_svc.speaker import Speaker
from audio_svc.speech import (
    bark_files,
    speecht5_files,
    tacotron2_files,
    vallex_files,
    vits_files,
)
from audio_svc.speech import tiny_files as tiny_voice_files
from audio_svc.transcription import ctranslate2_files, wav2vec2_files, whisper_files
from audio_svc.transcription import tiny_files as tiny_ear_files
from audio_svc.voice_aliases import read_voice_aliases
from fleetserve.app import create_app
from fleetserve.asgi import App
from fleetserve.replica.exchange import Handler
from fleetserve.replica.internal import internal_router
from fleetserve.replica.service import Replica
from fleetserve.replica.slot import ComputeSlot
from fleetserve.runtime import ServiceRuntime
from fleetserve.tasks import Task

HEAVY_THREADS = 2
FILE_ROUTES = ("/transcribe", "/v1/audio/transcriptions", "/v1/audio/translations", "/predict")


def build_replica(settings: AudioSettings, runtime: ServiceRuntime) -> Replica[AudioModel]:
    """The replica with every family there is."""

    def make_loader(slot: ComputeSlot) -> AudioLoader:
        return AudioLoader(
            settings.service,
            slot,
            runtime.clock,
            tools=_tools(settings),
            families=_families(settings),
            built_in=built_in_specs(),
        )

    return Replica(runtime, make_loader)


def build_app(settings: AudioSettings, runtime: ServiceRuntime) -> App:
    """The ASGI app: the data plane in front of the control routes."""
    config, clock = settings.service.config, runtime.clock
    replica = build_replica(settings, runtime)
    heavy = ThreadPoolExecutor(HEAVY_THREADS, thread_name_prefix="heavy")
    meter = AudioMeter()
    runtime.tiles += meter.tiles()
    speaker = Speaker(replica.pool, clock, heavy, meter.synthesis)
    streamer = SpeechStreamer(replica.pool, clock, heavy, meter.synthesis)
    max_seconds = config.audio.max_audio_seconds
    codecs = config.audio.codecs
    listener = Listener(replica.pool, clock, heavy, meter.transcription, max_seconds, codecs=codecs)
    control = create_app(
        runtime,
        title="Fleetserve audio-svc",
        routers=[internal_router, audio_router, stream_router],
    )
    control.state.listener = listener
    control.state.meter = meter
    control.state.input_formats = input_formats(codecs=codecs)
    control.state.library = Library(
        settings.service.models_dir, FAMILIES, replica.pool, built_in_specs()
    )
    max_chars = config.audio.max_text_chars
    routes: dict[str, Handler] = {
        "/synthesize": SynthesizeRoute(speaker, streamer, max_chars),
        "/transcribe": TranscribeRoute(listener, heavy),
        "/v1/audio/speech": OpenaiSpeechRoute(
            replica.pool,
            speaker,
            streamer,
            read_voice_aliases(settings.service.catalogue_path),
            max_chars,
        ),
        "/v1/audio/transcriptions": OpenaiTranscriptionRoute(listener, heavy, TranscriptionForm),
        "/v1/audio/translations": OpenaiTranscriptionRoute(listener, heavy, TranslationForm),
        "/predict": PredictRoute(
            replica.pool,
            speaker,
            listener,
            clock,
            heavy,
            max_chars=max_chars,
            replica_id=settings.service.replica_id,
        ),
    }
    return replica.data_plane(
        routes,
        control,
        default_timeout_s=config.server.audio_timeout_s,
        file_routes=FILE_ROUTES,
    )


# torch takes 1 to 2 s to import and transformers as much again: both only when they are needed,
# and in the loader's thread.


def _tools(settings: AudioSettings) -> DeviceTools:
    def open_device() -> str:
        from audio_svc import device

        return device.open_device(settings.service.config.inference.device, settings.torch_threads)

    def free_bytes(name: str) -> int:
        from audio_svc import device

        return device.free_bytes(name)

    def held_bytes(name: str) -> int:
        from audio_svc import device

        return device.held_bytes(name)

    def give_back(name: str) -> None:
        from audio_svc import device

        device.give_back_memory(name)

    return DeviceTools(open_device, free_bytes, held_bytes, give_back)


def _speaking(module: str, kind: str) -> Callable[[Path, str], Engine]:
    """Loads an engine of audio_svc/speech by the name of its class, or of what chooses one."""

    def load(folder: Path, device: str) -> Engine:
        engine = _make(f"audio_svc.speech.{module}", kind, folder, device)
        return Engine(engine.storage_bytes, engine.warm_up, speech=engine)

    return load


def _hearing(module: str, kind: str, **how: str) -> Callable[[Path, str], Engine]:
    """Loads an engine of audio_svc/transcription by the name of its class."""

    def load(folder: Path, device: str) -> Engine:
        engine = _make(f"audio_svc.transcription.{module}", kind, folder, device, **how)
        dtype = getattr(engine, "dtype", "float32")
        return Engine(engine.storage_bytes, engine.warm_up, transcription=engine, dtype=dtype)

    return load


def _make(module: str, kind: str, folder: Path, device: str, **how: str) -> Any:
    # What is made of speech and heard in it needs it sooner or later, in threads that others wait
    # for.
    importlib.import_module("scipy.signal")
    return getattr(importlib.import_module(module), kind)(folder, device, **how)


def _families(settings: AudioSettings) -> dict[str, Family]:
    """With what the configuration chooses for them."""
    compute_type = settings.service.config.audio.ctranslate2_type
    load = _hearing("ctranslate2", "CTranslate2Engine", compute_type=compute_type)
    return FAMILIES | {"ctranslate2": replace(FAMILIES["ctranslate2"], load=load)}


FAMILIES = {
    family.model_type: family
    for family in (
        Family(
            "speecht5",
            Task.TEXT_TO_SPEECH,
            _speaking("speecht5", "SpeechT5Engine"),
            speecht5_files.read_facts,
        ),
        Family("bark", Task.TEXT_TO_SPEECH, _speaking("bark", "BarkEngine"), bark_files.read_facts),
        Family(
            "tacotron2",
            Task.TEXT_TO_SPEECH,
            _speaking("tacotron2", "Tacotron2Engine"),
            tacotron2_files.read_facts,
            tacotron2_files.is_tacotron2,
        ),
        Family(
            "vallex",
            Task.TEXT_TO_SPEECH,
            _speaking("vallex", "VallexEngine"),
            vallex_files.read_facts,
            vallex_files.is_vallex,
        ),
        Family("vits", Task.TEXT_TO_SPEECH, _speaking("vits", "load_vits"), vits_files.read_facts),
        Family(
            "tiny_tts",
            Task.TEXT_TO_SPEECH,
            _speaking("tiny", "TinySpeech"),
            tiny_voice_files.read_facts,
        ),
        Family(
            "tiny_stt",
            Task.AUTOMATIC_SPEECH_RECOGNITION,
            _hearing("tiny", "TinyHearing"),
            tiny_ear_files.read_facts,
        ),
        Family(
            "whisper",
            Task.AUTOMATIC_SPEECH_RECOGNITION,
            _hearing("whisper", "WhisperEngine"),
            whisper_files.read_facts,
        ),
        Family(
            "wav2vec2",
            Task.AUTOMATIC_SPEECH_RECOGNITION,
            _hearing("wav2vec2", "Wav2Vec2Engine"),
            wav2vec2_files.read_facts,
        ),
        Family(
            "ctranslate2",
            Task.AUTOMATIC_SPEECH_RECOGNITION,
            _hearing("ctranslate2", "CTranslate2Engine"),
            ctranslate2_files.read_facts,
            ctranslate2_files.is_ctranslate2,
        ),
    )
}
