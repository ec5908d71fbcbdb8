from typing import Any

import pytest
from pydantic import BaseModel

from autoscaler_svc.api import examples
from autoscaler_svc.api.answers import (
    AutoscalerConfigAnswer,
    AutoscalerHealthAnswer,
    AutoscalerMetricsAnswer,
    AutoscalerStatsAnswer,
    ScaleAnswer,
    ScalingHistoryAnswer,
)


@pytest.mark.parametrize(
    ("example", "answer"),
    [
        (examples.STATS, AutoscalerStatsAnswer),
        (examples.HEALTH, AutoscalerHealthAnswer),
        (examples.METRICS, AutoscalerMetricsAnswer),
        (examples.HISTORY, ScalingHistoryAnswer),
        (examples.SCALE, ScaleAnswer),
        (examples.CONFIG, AutoscalerConfigAnswer),
    ],
)
def test_examples_are_answers(example: dict[str, Any], answer: type[BaseModel]) -> None:
    answer.model_validate(example["content"]["application/json"]["example"])


def test_example_of_a_scaling_shows_steps() -> None:
    shown = examples.SCALE["content"]["application/json"]["example"]
    assert shown["steps"][0]["action"] == "start_replica"
    assert (shown["previous_scale"], shown["target_scale"]) == (1, 2)
