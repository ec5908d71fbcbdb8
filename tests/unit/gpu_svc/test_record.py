import subprocess
import sys

from gpu_svc.readings import NvmlReading


def test_prints_a_recording_or_why_there_is_none() -> None:
    command = [sys.executable, "-m", "gpu_svc.record"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode == 0:
        NvmlReading.model_validate_json(ended.stdout)
    else:
        assert ended.stderr.startswith("NVML: ")
