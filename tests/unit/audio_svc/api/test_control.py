import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from audio_svc.api.control import audio_router
from audio_svc.library import Library
from audio_svc.meter import AudioMeter
from audio_svc.served import AudioModel
from audio_svc.settings import AudioSettings
from fleetserve.errors import InvalidFieldError, ModelNotFoundError
from fleetserve.replica.pool import ModelPool
from fleetserve.tasks import Task
from fleetserve.voices import OwnVoice, write_voices
from tests.unit.audio_svc.memory_models import FAMILIES, publish


@pytest.fixture
async def client(
    settings: AudioSettings, pool: ModelPool[AudioModel], meter: AudioMeter
) -> TestClient:
    app = FastAPI()
    app.include_router(audio_router)
    app.state.meter = meter
    app.state.input_formats = ("wav", "mp3")
    app.state.library = Library(settings.service.models_dir, FAMILIES, pool)
    await pool.get("tone")
    return TestClient(app)


async def test_audio_health_tells_parts_models_and_formats(client: TestClient) -> None:
    content = client.get("/audio/health").json()
    assert content["audio_available"]
    assert content["tts_available"]
    assert content["stt_available"]
    assert content["dependencies"]["soundfile"]
    assert [one["name"] for one in content["tts_models"]] == ["tone"]
    assert [one["loaded"] for one in content["tts_models"]] == [True]
    assert [one["loaded"] for one in content["stt_models"]] == [False]
    assert content["supported_formats"]["input"] == ["wav", "mp3"]
    assert "wav" in content["supported_formats"]["output"]


async def test_missing_part_is_told_and_takes_its_kind_along(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audio_svc.api.control.FOR_SPEECH", ("no-such-distribution",))
    content = client.get("/audio/health").json()
    assert content["dependencies"]["no-such-distribution"] is None
    assert not content["tts_available"]
    assert content["stt_available"]


async def test_tts_health_tells_voices_and_measured_speed(
    client: TestClient, meter: AudioMeter
) -> None:
    meter.synthesis.count(audio_s=2.0, processing_s=0.5, compute_s=0.25)
    content = client.get("/tts/health").json()
    assert content["status"] == "ok"
    assert content["loaded_tts_models"] == ["tone"]
    assert content["available_voices"] == {"tone": ["default", "low"]}
    assert content["supported_languages"] == {"tone": ["en"]}
    assert content["performance"]["real_time_factor"] == 0.25


async def test_tts_health_without_a_usable_model_says_so(
    client: TestClient, settings: AudioSettings
) -> None:
    models_dir = settings.service.models_dir
    (models_dir / "tone" / "manifest.json").unlink()
    publish(models_dir, "bark", "bark", Task.TEXT_TO_SPEECH)
    assert client.get("/tts/health").json()["status"] == "no_models"


async def test_voices_are_listed_with_the_default_one(client: TestClient) -> None:
    content = client.get("/audio/voices").json()
    assert content["total_voices"] == 2
    assert content["voices"]["tone"] == [
        {"name": "default", "default": True, "kind": "preset"},
        {"name": "low", "default": False, "kind": "preset"},
    ]


async def test_voices_that_callers_gave_are_listed_after_the_presets(
    client: TestClient, settings: AudioSettings
) -> None:
    write_voices(settings.service.models_dir, "tone", {"anna": OwnVoice((1.0,), 0.0)})
    content = client.get("/audio/voices").json()
    assert content["total_voices"] == 3
    assert content["voices"]["tone"][2] == {"name": "anna", "default": False, "kind": "own"}
    assert client.get("/tts/health").json()["available_voices"]["tone"][-1] == "anna"


async def test_voices_of_one_model_can_be_asked_for(client: TestClient) -> None:
    assert list(client.get("/audio/voices?model_name=tone").json()["voices"]) == ["tone"]
    with pytest.raises(ModelNotFoundError):
        client.get("/audio/voices?model_name=nobody")


async def test_voice_of_two_stages_leads_to_the_model_that_speaks(
    client: TestClient, settings: AudioSettings
) -> None:
    publish(settings.service.models_dir, "bart", "bart", Task.SUMMARIZATION, two_stage_voice=True)
    with pytest.raises(InvalidFieldError, match=r"audio\.speech_model"):
        client.get("/audio/voices?model_name=bart")
