import pytest

from audio_svc.api.openai_speech_body import OpenaiSpeechBody
from audio_svc.api.reading import check_fields
from audio_svc.api.routing import RoutedBody, join_names, model_name_of, priority_of
from audio_svc.api.synthesize_body import SynthesizeBody
from audio_svc.api.transcribe_body import TranscribeBody
from fleetserve.errors import InvalidFieldError
from tests.unit.audio_svc.requests import RequestMaker


@pytest.mark.parametrize("name", ["model", "model_name"])
def test_model_goes_by_either_name(name: str) -> None:
    assert check_fields(RoutedBody, {name: "m"}).model_name == "m"


def test_same_value_under_both_names_is_taken() -> None:
    assert check_fields(RoutedBody, {"model": "m", "model_name": "m"}).model_name == "m"


def test_two_values_for_one_field_are_refused() -> None:
    with pytest.raises(InvalidFieldError, match="model_name: is the same field as model"):
        check_fields(RoutedBody, {"model": "a", "model_name": "b"})


def test_what_is_no_object_is_left_to_the_checks() -> None:
    assert join_names([1], ("a", "b")) == [1]


def test_gateways_word_wins_over_the_body(make_request: RequestMaker) -> None:
    body = RoutedBody(model_name="body", priority=3)
    request = make_request.json({}, {"x-fleet-model": "resolved"})
    assert model_name_of(request, body) == "resolved"
    assert priority_of(request, body) == 3
    request.priority = 7
    assert priority_of(request, body) == 7


def test_missing_model_is_told(make_request: RequestMaker) -> None:
    with pytest.raises(InvalidFieldError, match="model_name"):
        model_name_of(make_request.json({}), RoutedBody())


@pytest.mark.parametrize("body", [SynthesizeBody, TranscribeBody, OpenaiSpeechBody])
def test_what_is_the_gateways_may_stand_in_a_body(body: type[RoutedBody]) -> None:
    said = {"inputs": "Hello.", "input": "Hello."}
    asked = {name: value for name, value in said.items() if name in body.model_fields}
    gateways = {"token": "t", "webhook_url": "http://127.0.0.1/told"}
    assert check_fields(body, asked | gateways).webhook_url == gateways["webhook_url"]


def test_token_is_not_shown_in_logs() -> None:
    assert "secret" not in repr(RoutedBody(token="secret"))
