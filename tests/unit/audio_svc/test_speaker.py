import base64
import io

import pytest
import soundfile

from audio_svc.audio.encoding import FORMATS
from audio_svc.meter import AudioMeter
from audio_svc.speaker import Speaker, SpeechAsk
from audio_svc.speaking import SpeechOrder
from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError, ModelNotFoundError
from tests.unit.audio_svc.memory_models import FIXED, REVISION, TONE


def ask(model: str = TONE, *, base64: bool = True) -> SpeechAsk:
    order = SpeechOrder("Hello.", FORMATS["wav"], seed=1)
    return SpeechAsk(model, order, 0, SystemClock().monotonic_s(), base64)


async def test_speech_is_a_whole_file_with_what_made_it(speaker: Speaker) -> None:
    speech = await speaker.speak(ask())
    assert speech.spec.revision == REVISION
    assert base64.b64decode(speech.base64) == speech.file.data
    info = soundfile.info(io.BytesIO(speech.file.data))
    assert info.frames / info.samplerate == pytest.approx(speech.file.duration_s)
    assert speech.timing.compute_ms is not None
    assert speech.timing.encode_ms is not None
    assert 0 < speech.processing_s < 30


async def test_only_the_first_request_is_a_cold_start(speaker: Speaker) -> None:
    assert [(await speaker.speak(ask())).cold_start for _ in range(2)] == [True, False]


async def test_file_is_not_made_to_text_unasked(speaker: Speaker) -> None:
    assert (await speaker.speak(ask(base64=False))).base64 == ""


async def test_pace_is_measured(speaker: Speaker, meter: AudioMeter) -> None:
    speech = await speaker.speak(ask())
    assert meter.synthesis.requests == 1
    assert meter.synthesis.audio_s == speech.file.duration_s


async def test_model_that_listens_is_refused(speaker: Speaker) -> None:
    with pytest.raises(InvalidFieldError, match="/transcribe"):
        await speaker.speak(ask(FIXED))


async def test_unknown_model_is_not_found(speaker: Speaker) -> None:
    with pytest.raises(ModelNotFoundError):
        await speaker.speak(ask("nobody"))
