"""Every technique there is; a new one is one file and one line here."""

from inference_svc.optimization.technique.aot import Aot
from inference_svc.optimization.technique.base import Technique
from inference_svc.optimization.technique.compiled import Compiled
from inference_svc.optimization.technique.half import Bf16, Fp16
from inference_svc.optimization.technique.int8 import Int8
from inference_svc.optimization.technique.tensorrt import TensorRt


def all_techniques() -> dict[str, Technique]:
    techniques: list[Technique] = [Bf16(), Fp16(), Int8(), Aot(), Compiled(), TensorRt()]
    return {technique.name: technique for technique in techniques}
