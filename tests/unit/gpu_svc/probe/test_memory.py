from gpu_svc.hardware import Findings
from gpu_svc.probe.memory import RECORDINGS, MemoryProbe
from tests.unit.gpu_svc.conftest import CPU


def test_finds_what_it_was_given() -> None:
    assert MemoryProbe(CPU, note="given").devices() == Findings((CPU,), "given")


def test_playback_says_that_it_is_one() -> None:
    found = MemoryProbe.from_recording(RECORDINGS / "t4.json").devices()
    assert "played back from t4.json" in found.note
