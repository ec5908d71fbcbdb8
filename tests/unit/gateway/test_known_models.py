import pytest

from fleetserve.errors import ModelNotFoundError
from fleetserve.model_records import ModelState
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE
from gateway.catalogue import Offer
from gateway.known_models import KnownModels
from tests.unit.gateway.fleet import recorded


def test_example_is_built_in(models: KnownModels) -> None:
    target = models.find("example")
    assert target.record.state is ModelState.READY
    assert target.service == INFERENCE_SERVICE


@pytest.mark.parametrize("name", ["tiny_tts", "tiny-stt"])
def test_small_voice_and_ear_are_built_in(models: KnownModels, name: str) -> None:
    target = models.find(name)
    assert target.record.state is ModelState.READY
    assert target.service == AUDIO_SERVICE


@pytest.mark.parametrize(
    ("task", "service"),
    [
        ("feature-extraction", INFERENCE_SERVICE),
        ("text-to-speech", AUDIO_SERVICE),
        ("automatic-speech-recognition", AUDIO_SERVICE),
    ],
)
def test_task_decides_the_service(models: KnownModels, task: str, service: str) -> None:
    models.put(recorded("m", task=task))
    assert models.find("m").service == service


@pytest.mark.parametrize("name", ["whisper_base", "whisper-base", "Whisper-Base"])
def test_a_name_is_found_however_it_is_spelt(models: KnownModels, name: str) -> None:
    models.put(recorded("whisper_base"))
    assert models.find(name).record.name == "whisper_base"


def test_exact_name_wins_over_another_spelling(models: KnownModels) -> None:
    models.put(recorded("whisper_base"))
    models.put(recorded("whisper-base"))
    assert models.find("whisper_base").record.name == "whisper_base"
    assert models.find("whisper-base").record.name == "whisper-base"


def test_deleting_one_of_two_spellings_leaves_the_other(models: KnownModels) -> None:
    models.put(recorded("whisper_base"))
    models.put(recorded("whisper-base"))
    models.put(recorded("whisper_base", ModelState.DELETED))
    assert models.find("whisper_base").record.name == "whisper-base"


def test_alias_leads_to_its_model() -> None:
    models = KnownModels(aliases={"tts-1": ["speecht5_tts"]})
    models.put(recorded("speecht5_tts", task="text-to-speech"))
    assert models.find("tts_1").record.name == "speecht5_tts"


def test_alias_means_the_first_of_its_models_that_is_here() -> None:
    models = KnownModels([Offer("a"), Offer("b")], {"tts-1": ["a", "b"]})
    with pytest.raises(ModelNotFoundError, match=r"\(a\)"):
        models.find("tts-1")
    assert models.offer("tts-1") == Offer("a")
    assert models.offer("c") is None
    models.put(recorded("b"))
    assert models.find("tts-1").record.name == "b"
    models.put(recorded("a"))
    assert models.find("tts-1").record.name == "a"
    assert [(name, target.record.name) for name, target in models.aliases()] == [("tts-1", "a")]


def test_first_of_an_aliases_models_that_is_ready() -> None:
    models = KnownModels([Offer("a"), Offer("b")], {"tts-1": ["a", "b"]})
    assert models.ready("tts-1") is None
    models.put(recorded("a", ModelState.DOWNLOADING))
    models.put(recorded("b"))
    target = models.ready("tts-1")
    assert target is not None
    assert target.record.name == "b"


def test_deleted_model_is_not_found(models: KnownModels) -> None:
    models.put(recorded("m"))
    models.put(recorded("m", ModelState.DELETED))
    with pytest.raises(ModelNotFoundError):
        models.find("m")


def test_whole_list_takes_the_place_of_what_was_known(models: KnownModels) -> None:
    models.put(recorded("old"))
    models.replace([recorded("new")])
    assert {r.name for r in models.records()} == {"example", "tiny_stt", "tiny_tts", "new"}


@pytest.mark.parametrize(
    ("state", "matters"),
    [
        (ModelState.DOWNLOADING, False),
        (ModelState.READY, True),
        (ModelState.FAILED, True),
        (ModelState.DELETED, True),
    ],
)
def test_change_of_state_matters_and_progress_does_not(
    models: KnownModels, state: ModelState, matters: bool
) -> None:
    assert models.put(recorded("m", ModelState.DOWNLOADING, progress=0.1))
    assert models.put(recorded("m", state, progress=0.2)) is matters


def test_another_download_of_a_model_that_failed_matters(models: KnownModels) -> None:
    models.put(recorded("m", ModelState.FAILED, download_id="dl-1"))
    assert models.put(recorded("m", ModelState.FAILED, download_id="dl-2"))


def test_deleting_an_unknown_model_is_no_change(models: KnownModels) -> None:
    assert not models.put(recorded("m", ModelState.DELETED))


class TestNotFound:
    def test_model_of_the_catalogue_says_how_to_get_it(self) -> None:
        with pytest.raises(ModelNotFoundError, match=r"POST /models/download.*speecht5_tts"):
            KnownModels([Offer("speecht5_tts")]).find("SpeechT5-TTS")

    def test_misspelt_name_gets_the_nearest(self, models: KnownModels) -> None:
        with pytest.raises(ModelNotFoundError, match="Near names: example"):
            models.find("exmaple")

    def test_other_name_is_told_where_to_look(self, models: KnownModels) -> None:
        with pytest.raises(ModelNotFoundError) as caught:
            models.find("zzzzzz")
        assert "Near names" not in caught.value.detail
        assert "GET /models" in caught.value.detail
        assert "POST /models/download" in caught.value.detail
