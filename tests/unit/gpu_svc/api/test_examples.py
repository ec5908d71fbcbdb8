from typing import Any

from pydantic import BaseModel

from gpu_svc.api import examples
from gpu_svc.api.answers import GpuBestAnswer, GpuConfigAnswer, GpuDetectAnswer


def test_examples_are_answers() -> None:
    pairs: list[tuple[dict[str, Any], type[BaseModel]]] = [
        (examples.DETECT, GpuDetectAnswer),
        (examples.BEST, GpuBestAnswer),
        (examples.CONFIG, GpuConfigAnswer),
    ]
    for example, answer in pairs:
        answer.model_validate(example["content"]["application/json"]["example"])
