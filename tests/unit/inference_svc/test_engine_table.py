import sys
from pathlib import Path

import pytest

from fleetserve.manifest import Manifest
from fleetserve.replica.models import ModelSpec
from fleetserve.tasks import INFERENCE_SERVICE, Task, service_for_task
from inference_svc.engine_table import ENGINES, import_engines

BY_OTHERS = {Task.TEXT_GENERATION}


def test_every_task_of_this_service_has_an_engine() -> None:
    tasks = {task for task in Task if service_for_task(task) == INFERENCE_SERVICE}
    assert tasks - BY_OTHERS <= set(ENGINES)


@pytest.mark.parametrize("task", list(ENGINES))
def test_each_entry_makes_an_engine_of_that_device(task: str, tmp_path: Path) -> None:
    engine = ENGINES[task](ModelSpec("m", "r", task, 0, tmp_path), "cpu")
    assert engine.info.device == "cpu"


def test_a_tensor_model_is_made_as_its_manifest_says(tmp_path: Path) -> None:
    manifest = Manifest("m", "url", "x", "r", "tensor", (), 0, 0.0, input_rank=3)
    spec = ModelSpec("m", "r", "tensor", 0, tmp_path, manifest)
    assert ENGINES["tensor"](spec, "cpu").info.rank == 3


def test_engines_are_imported_and_tasks_without_one_are_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "inference_svc.engine.tensor"
    monkeypatch.delitem(sys.modules, name, raising=False)
    import_engines(["text-to-smell"])
    assert name not in sys.modules
    import_engines([Task.TENSOR, "text-to-smell"])
    assert name in sys.modules
