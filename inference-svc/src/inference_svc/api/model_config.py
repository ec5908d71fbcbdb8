"""KServe V2, Triton's model configuration extension: /v2/config; the model is in a header."""

from collections.abc import Sequence
from typing import Any

from fleetserve.replica.exchange import Answer, ReplicaRequest, json_bytes
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.pool import ModelPool
from inference_svc.api.infer import PLATFORM, WRITER, check_version, model_of
from inference_svc.batcher import ServedModel
from inference_svc.engine.base import EngineInfo, TensorSpec
from inference_svc.open_inference.datatypes import BYTES, datatype_of
from inference_svc.open_inference.signature import inputs_of, outputs_of
from inference_svc.served import Served

BACKEND = "pytorch"
# As the gateway reads them: 1 is the most urgent, and what says nothing has the last.
PRIORITY_LEVELS = 11


class ConfigRoute:
    """The handler of configuration requests; it tells of the loaded model, so it is loaded.

    Args:
        most_texts: That a model that writes has in one step.
    """

    def __init__(self, pool: ModelPool[Served], most_texts: int) -> None:
        self._pool = pool
        self._most_texts = most_texts

    async def __call__(self, request: ReplicaRequest) -> Answer:
        handle = await self._pool.get(model_of(request))
        check_version(request, handle.spec)
        with handle as served:
            if isinstance(served, ServedModel):
                info, device = served.engine.info, served.engine.info.device
                largest = served.batcher.max_size
            else:
                info, device = WRITER, served.generator.info.device
                largest = self._most_texts
        content = configuration(handle.spec, info, device, handle.dtype, largest)
        return Answer(json_bytes(content), model=handle.spec.name)


def configuration(
    spec: ModelSpec, info: EngineInfo, device: str, dtype: str, largest: int
) -> dict[str, Any]:
    """In the names of Triton's ModelConfig.

    Source: https://github.com/triton-inference-server/common, protobuf/model_config.proto.
    """
    kind, _, number = device.partition(":")
    on_gpu = kind == "cuda"
    group = {
        "name": f"{spec.name}_0",
        "kind": "KIND_GPU" if on_gpu else "KIND_CPU",
        "count": 1,
        "gpus": [int(number or 0)] if on_gpu else [],
    }
    said = {"task": spec.task, "dtype": dtype, "device": device, "revision": spec.revision}
    return {
        "name": spec.name,
        "platform": PLATFORM,
        "backend": BACKEND,
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": largest,
        "input": _tensors(inputs_of(info)),
        "output": _tensors(outputs_of(info)),
        "instance_group": [group],
        "dynamic_batching": {
            "preferred_batch_size": [],
            "max_queue_delay_microseconds": 0,
            "priority_levels": PRIORITY_LEVELS,
            "default_priority_level": PRIORITY_LEVELS,
        },
        "parameters": {name: {"string_value": str(value)} for name, value in said.items()},
    }


def _tensors(specs: Sequence[TensorSpec]) -> list[dict[str, Any]]:
    """Without the first dimension, which is the batch."""
    return [
        {"name": spec.name, "data_type": _type(spec.dtype), "dims": list(spec.shape)}
        for spec in specs
    ]


def _type(dtype: str) -> str:
    datatype = datatype_of(dtype)
    return "TYPE_STRING" if datatype == BYTES else f"TYPE_{datatype}"
