import pytest

from autoscaler_svc.effective_config import limits_of, merged, rules_of
from fleetserve.config import AutoscalerConfig
from fleetserve.errors import InvalidFieldError

BASE = AutoscalerConfig(max_replicas=4, min_replicas=2)


def test_overrides_win_over_the_file() -> None:
    config = merged(BASE, {"max_replicas": 6})
    assert (config.max_replicas, config.min_replicas) == (6, 2)


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"max_replicas": -1}, "max_replicas"),
        ({"max_replicas": "many"}, "max_replicas"),
        ({"no_such": 1}, "no_such"),
        ({"min_replicas": 5}, "min_replicas"),
        ({"panic_window_s": 31}, "panic_window_s"),
        ({"target_in_flight": 0}, "target_in_flight"),
    ],
)
def test_wrong_value_names_its_field(overrides: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        merged(BASE, overrides)
    assert caught.value.field == field


def test_no_maximum_contradicts_no_minimum() -> None:
    assert merged(BASE, {"max_replicas": 0, "min_replicas": 9}).min_replicas == 9


def test_zero_is_off_unless_it_is_on() -> None:
    assert rules_of(BASE).idle_to_zero_s is None
    on = rules_of(AutoscalerConfig(scale_to_zero=True, idle_to_zero_s=5.0, enabled=False))
    assert (on.idle_to_zero_s, on.by_load) == (5.0, False)


def test_limits_are_the_configurations() -> None:
    limits = limits_of(BASE, may_be_zero=True)
    assert (limits.minimum, limits.maximum, limits.may_be_zero) == (2, 4, True)
    assert limits.reserve_mb == BASE.reserve_mib
