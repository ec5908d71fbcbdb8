import pytest

from fleetserve.devices import DeviceNotAvailableError, pick_device

TWO_GPUS = ["cuda:1", "cuda:0", "cpu"]


@pytest.mark.parametrize(
    ("requested", "available", "expected"),
    [
        ("auto", ["cpu"], "cpu"),
        ("auto", ["cpu", "mps"], "mps"),
        ("auto", ["cpu", "mps", "cuda:0"], "cuda:0"),
        ("auto", TWO_GPUS, "cuda:1"),
        ("cuda", TWO_GPUS, "cuda:1"),
        ("cuda:0", TWO_GPUS, "cuda:0"),
        ("cpu", TWO_GPUS, "cpu"),
        ("CUDA:1", TWO_GPUS, "cuda:1"),
        ("mps", ["mps", "cpu"], "mps"),
    ],
)
def test_picks_what_was_asked_for(requested: str, available: list[str], expected: str) -> None:
    assert pick_device(requested, available) == expected


@pytest.mark.parametrize("requested", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_there_is_an_error_and_never_the_cpu(requested: str) -> None:
    with pytest.raises(DeviceNotAvailableError, match="Devices here: cpu"):
        pick_device(requested, ["cpu"])


def test_one_number_does_not_match_another_with_the_same_beginning() -> None:
    with pytest.raises(DeviceNotAvailableError):
        pick_device("cuda:1", ["cuda:10", "cpu"])


def test_error_tells_why_the_kind_is_missing() -> None:
    reasons = {"cuda": "torch 2.13.0+cpu is a CPU build"}
    with pytest.raises(DeviceNotAvailableError) as caught:
        pick_device("cuda:0", ["cpu"], reasons)
    assert "torch 2.13.0+cpu is a CPU build" in caught.value.detail
    assert caught.value.status == 503


def test_no_device_at_all_is_an_error() -> None:
    with pytest.raises(DeviceNotAvailableError, match="Devices here: none"):
        pick_device("auto", [])


@pytest.mark.parametrize("requested", ["", "gpu", "cuda:", "cuda:x", "cpu:0"])
def test_an_unknown_value_is_refused(requested: str) -> None:
    with pytest.raises(ValueError, match="allowed are auto"):
        pick_device(requested, ["cpu"])
