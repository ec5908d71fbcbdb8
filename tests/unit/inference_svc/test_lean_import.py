import subprocess
import sys

import pytest

SEEN = """
from inference_svc.engine_table import import_engines
from inference_svc.lean_import import import_lean
{do}
from transformers.utils import is_scipy_available
from transformers.loss import loss_for_object_detection as losses
print("linear_sum_assignment" in vars(losses), is_scipy_available())
"""


@pytest.mark.parametrize(
    ("do", "seen"),
    [
        ("import_engines(['feature-extraction', 'object-detection'])", "False True"),
        ("import_lean('inference_svc.generation.loading')", "False True"),
        ("from transformers import AutoModel", "True True"),
    ],
)
def test_losses_are_imported_without_scipy_by_those_who_serve(do: str, seen: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEEN.format(do=do)], check=True, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[-2] == seen
