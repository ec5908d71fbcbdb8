import pytest

from fleetserve.errors import InvalidFieldError
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.orders import DownloadOrder, complete

ENTRY = {
    "source": "huggingface",
    "model_id": "microsoft/speecht5_tts",
    "task": "text-to-speech",
    "description": "d",
    "size_mb": 1,
    "license": "MIT",
    "allow_pickle": True,
    "include_vocoder": True,
    "vocoder_model": "org/gan",
    "revision": "v1",
}
VOICE = {
    "address": "https://huggingface.co/v.npy",
    "sha256": "ab" * 32,
    "size": 2176,
    "mirrors": ["https://mirror.test/v.npy"],
}
CATALOGUE = Catalogue.model_validate(
    {"available_models": {"speecht5_tts": ENTRY}, "voices": {"default": VOICE}}
)


def order(model_id: str = "microsoft/speecht5_tts", **more: object) -> DownloadOrder:
    base = {"source": "huggingface", "model_id": model_id, "name": "mine"}
    return DownloadOrder(**{**base, **more})  # type: ignore[arg-type]


def test_catalogue_says_what_the_caller_left_out() -> None:
    request = complete(order(), CATALOGUE)
    assert request.task == "text-to-speech"
    assert (request.include_vocoder, request.vocoder_model) == (True, "org/gan")
    assert request.allow_pickle
    assert request.revision == "v1"
    assert [v.name for v in request.voices] == ["default"]


def test_caller_wins_over_the_catalogue() -> None:
    request = complete(
        order(include_vocoder=False, revision="main", task="summarization"), CATALOGUE
    )
    assert (request.include_vocoder, request.vocoder_model) == (False, None)
    assert (request.revision, request.task) == ("main", "summarization")


def test_model_that_is_not_in_the_catalogue_is_left_to_its_source() -> None:
    request = complete(order("org/other"), CATALOGUE)
    assert (request.task, request.include_vocoder, request.allow_pickle) == (None, False, False)


@pytest.mark.parametrize("where", ["order", "configuration"])
def test_pickles_are_allowed_by_the_caller_or_the_configuration(where: str) -> None:
    made = order("org/other", allow_pickle=where == "order")
    assert complete(made, CATALOGUE, allow_pickle=where == "configuration").allow_pickle


def test_tts_auto_is_the_hub_with_all_that_a_voice_needs() -> None:
    request = complete(order("org/voice", source="tts_auto"), CATALOGUE)
    assert (request.source, request.task) == ("huggingface", "text-to-speech")
    assert request.include_vocoder


@pytest.mark.parametrize(
    ("source", "auto_convert", "expected"),
    [
        ("huggingface", True, (True, True)),
        ("huggingface", False, (False, False)),
        # Its models speak by themselves.
        ("tts_auto", True, (True, False)),
    ],
)
def test_model_may_speak_by_rewriting_where_auto_convert_tts_says_so(
    source: str, auto_convert: bool, expected: tuple[bool, bool]
) -> None:
    request = complete(order("org/x", source=source, auto_convert_tts=auto_convert), CATALOGUE)
    assert (request.must_speak, request.may_rewrite) == expected


@pytest.mark.parametrize(("field", "value"), [("name", "../x"), ("task", "no-task")])
def test_what_cannot_be_is_refused_by_its_field(field: str, value: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        complete(order(**{field: value}), CATALOGUE)
    assert caught.value.field == field


@pytest.mark.parametrize("mirrors", [True, False])
def test_mirrors_are_asked_only_where_the_public_internet_may_be(mirrors: bool) -> None:
    (voice,) = complete(order(), CATALOGUE, mirrors=mirrors).voices
    assert voice.mirrors == (("https://mirror.test/v.npy",) if mirrors else ())


@pytest.mark.parametrize(("vocoder", "allowed"), [("org/gan", True), ("org/other", False)])
def test_pickle_of_a_vocoder_that_the_catalogue_trusts_is_allowed(
    vocoder: str, allowed: bool
) -> None:
    request = complete(order("org/voice", vocoder_model=vocoder), CATALOGUE)
    assert (request.allow_pickle, request.allow_vocoder_pickle) == (False, allowed)
