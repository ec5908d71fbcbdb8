"""The configuration that holds: the file's, and over it what PUT /autoscaler/config has set."""

from collections.abc import Mapping

from pydantic import ValidationError

from autoscaler_svc.bounds import Limits
from autoscaler_svc.policy import Rules
from fleetserve.config import AutoscalerConfig
from fleetserve.errors import InvalidFieldError


def merged(base: AutoscalerConfig, overrides: Mapping[str, object]) -> AutoscalerConfig:
    """The file's configuration with these keys changed.

    Raises: InvalidFieldError: no such key, or a value that it can't have.
    """
    values = {**base.model_dump(), **overrides}
    try:
        config = AutoscalerConfig.model_validate(values)
    except ValidationError as exc:
        first = exc.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidFieldError(field, str(first["msg"])) from None
    _check_together(config)
    return config


def _check_together(config: AutoscalerConfig) -> None:
    """Raises: InvalidFieldError: two keys contradict each other."""
    if config.max_replicas and config.min_replicas > config.max_replicas:
        raise InvalidFieldError(
            "min_replicas", f"{config.min_replicas} is over max_replicas ({config.max_replicas})"
        )
    if config.panic_window_s > config.stable_window_s:
        raise InvalidFieldError(
            "panic_window_s",
            f"{config.panic_window_s:g} is over stable_window_s ({config.stable_window_s:g})",
        )


def rules_of(config: AutoscalerConfig) -> Rules:
    return Rules(
        target_in_flight=config.target_in_flight,
        panic_window_s=config.panic_window_s,
        stable_window_s=config.stable_window_s,
        scale_down_delay_s=config.scale_down_delay_s,
        by_load=config.enabled,
        idle_to_zero_s=config.idle_to_zero_s if config.scale_to_zero else None,
    )


def limits_of(config: AutoscalerConfig, *, may_be_zero: bool) -> Limits:
    return Limits(
        minimum=config.min_replicas,
        maximum=config.max_replicas,
        reserve_mb=float(config.reserve_mib),
        may_be_zero=may_be_zero,
    )
