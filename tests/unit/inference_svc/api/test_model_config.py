import orjson
import pytest

from fleetserve.errors import NotFoundError
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.pool import ModelPool
from fleetserve.tasks import Task
from inference_svc.api.model_config import ConfigRoute, configuration
from inference_svc.engine.base import EngineInfo, InputKind, TensorSpec
from inference_svc.served import Served
from tests.unit.inference_svc.api.test_predict import request_of


async def told(pool: ModelPool[Served], model: str, version: bytes = b"") -> dict[str, object]:
    headers = {b"x-fleet-version": version} if version else {}
    answer = await ConfigRoute(pool, 5)(
        request_of(b"", path="/v2/config", model=model, headers=headers)
    )
    assert isinstance(answer.body, bytes)
    content: dict[str, object] = orjson.loads(answer.body)
    return content


@pytest.mark.parametrize(
    ("model", "largest", "tensor"),
    [
        ("example", 32, {"name": "input", "data_type": "TYPE_FP32", "dims": [10]}),
        ("lengths", 32, {"name": "text", "data_type": "TYPE_STRING", "dims": []}),
        ("echo", 5, {"name": "text", "data_type": "TYPE_STRING", "dims": []}),
    ],
)
async def test_it_tells_of_the_model_that_is_loaded(
    pool: ModelPool[Served], model: str, largest: int, tensor: dict[str, object]
) -> None:
    found = await told(pool, model)
    assert (found["name"], found["max_batch_size"], found["input"]) == (model, largest, [tensor])
    assert found["parameters"]["revision"] == {"string_value": "r1"}  # type: ignore[index]


async def test_another_version_is_not_here(pool: ModelPool[Served]) -> None:
    assert (await told(pool, "example", b"r1"))["name"] == "example"
    with pytest.raises(NotFoundError, match="there is r1"):
        await told(pool, "example", b"r2")


def test_devices_and_types_have_tritons_names() -> None:
    spec = ModelSpec(name="m", revision="r", task=Task.TENSOR, expected_bytes=1)
    outputs = (TensorSpec("y", "bfloat16", (-1, 3)),)
    info = EngineInfo(InputKind.TENSOR, 1, "cuda:1", "bfloat16", outputs=outputs)
    found = configuration(spec, info, "cuda:1", "bfloat16", 8)
    assert found["instance_group"][0]["kind"] == "KIND_GPU"
    assert found["instance_group"][0]["gpus"] == [1]
    assert found["output"] == [{"name": "y", "data_type": "TYPE_BF16", "dims": [-1, 3]}]
