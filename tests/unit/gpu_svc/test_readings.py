from pathlib import Path

import pytest
from pydantic import ValidationError

from gpu_svc.probe.memory import RECORDINGS
from gpu_svc.readings import NvmlReading, gpus_of

EXPECTED = {
    "h200": ("NVIDIA H200", 143771.0, "Hopper"),
    "rtx_4090": ("NVIDIA GeForce RTX 4090", 24564.0, "Ada Lovelace"),
    "t4": ("Tesla T4", 15360.0, "Turing"),
    "two_unequal": ("NVIDIA GeForce GTX 1660", 6144.0, "Turing"),
}


def test_every_recording_is_known_here() -> None:
    assert {path.stem for path in RECORDINGS.glob("*.json")} == set(EXPECTED)


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.json")), ids=lambda path: path.stem)
def test_recording_is_consistent(path: Path) -> None:
    reading = NvmlReading.model_validate_json(path.read_bytes())
    for device in reading.devices:
        assert device.memory is not None
        assert device.memory.free + device.memory.used == device.memory.total
        if device.power_usage is not None and device.power_limit is not None:
            assert device.power_usage <= device.power_limit
    first = gpus_of(reading)[0]
    assert (first.name, first.memory_mb, first.architecture) == EXPECTED[path.stem]
    assert first.driver == reading.driver_version


def test_recording_written_and_read_again_is_the_same() -> None:
    reading = NvmlReading.model_validate_json((RECORDINGS / "two_unequal.json").read_bytes())
    written = reading.model_dump_json(by_alias=True, exclude_none=True)
    assert NvmlReading.model_validate_json(written) == reading


def test_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        NvmlReading.model_validate({"source": "x", "devices": [], "driver": "1"})


def test_command_lines_do_not_leak() -> None:
    reading = NvmlReading.model_validate_json((RECORDINGS / "two_unequal.json").read_bytes())
    assert gpus_of(reading)[1].processes[0].name == "tritonserver"
