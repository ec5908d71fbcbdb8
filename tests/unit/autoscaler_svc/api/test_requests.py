import pytest
from pydantic import ValidationError

from autoscaler_svc.api.requests import ConfigRequest, ScaleRequest
from autoscaler_svc.scaling import Order, ScaleAction
from fleetserve.config import AutoscalerConfig
from fleetserve.errors import InvalidFieldError


@pytest.mark.parametrize(
    ("body", "order"),
    [
        ({"model_name": "m", "target_instances": 2}, Order(("m",), number=2)),
        ({"model_name": "m", "target_replicas": 2}, Order(("m",), number=2)),
        (
            {"action": "scale_up", "target_replicas": 3, "models": ["a", "b"], "reason": "x"},
            Order(("a", "b"), number=3, action=ScaleAction.SCALE_UP, reason="x"),
        ),
        (
            {"model_name": "a", "models": ["a", "b"], "target_instances": 0},
            Order(("a", "b"), number=0),
        ),
        ({"action": "zero_scale", "force": True}, Order(action=ScaleAction.ZERO_SCALE, force=True)),
        ({"service": "audio-svc", "target_replicas": 1}, Order(service="audio-svc", number=1)),
    ],
)
def test_both_styles_are_one_order(body: dict[str, object], order: Order) -> None:
    assert ScaleRequest.model_validate(body).order() == order


def test_two_numbers_that_contradict_each_other_are_refused() -> None:
    request = ScaleRequest(model_name="m", target_instances=2, target_replicas=3)
    with pytest.raises(InvalidFieldError) as caught:
        request.order()
    assert caught.value.field == "target_replicas"


@pytest.mark.parametrize(
    "body",
    [
        {"target_instances": 11},
        {"target_instances": -1},
        {"target_replicas": 11},
        {"action": "explode"},
        {"models": []},
        {"model_name": ""},
        {"reason": "x" * 501},
        {"unknown": 1},
    ],
)
def test_wrong_value_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ScaleRequest.model_validate(body)


def test_every_key_of_the_configuration_can_be_set_or_taken_back() -> None:
    assert set(ConfigRequest.model_fields) == set(AutoscalerConfig.model_fields)
    empty = ConfigRequest.model_validate(dict.fromkeys(AutoscalerConfig.model_fields))
    assert set(empty.model_dump(exclude_unset=True).values()) == {None}


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="no_such"):
        ConfigRequest.model_validate({"no_such": 1})
