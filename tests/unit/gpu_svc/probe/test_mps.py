import pytest

from gpu_svc.hardware import Mps
from gpu_svc.probe.mps import HostSystem, MpsProbe


def host(system: str, machine: str, release: str = "") -> HostSystem:
    return HostSystem(system, machine, release, lambda: "Apple M2", lambda: 16 * 1024**3)


def found(on: HostSystem) -> Mps:
    (mps,) = MpsProbe(on).devices().devices
    assert isinstance(mps, Mps)
    return mps


def test_apple_silicon_with_a_recent_macos_has_it() -> None:
    mps = found(host("Darwin", "arm64", "14.5"))
    assert (mps.available, mps.name, mps.memory_mb) == (True, "Apple M2", 16384.0)


@pytest.mark.parametrize(
    ("on", "reason"),
    [
        (host("Linux", "x86_64"), "this is Linux on x86_64"),
        (host("Darwin", "x86_64", "14.5"), "needs Apple silicon"),
        (host("Darwin", "arm64", "12.2"), "12.3 or later"),
        (host("Darwin", "arm64", ""), "unknown version"),
    ],
)
def test_elsewhere_it_says_why_not(on: HostSystem, reason: str) -> None:
    mps = found(on)
    assert not mps.available
    assert reason in mps.reason
