import pytest

from gpu_svc.torch_builds import (
    TorchBuild,
    cuda_of_label,
    installed_build,
    lowest_capability,
    reported_build,
    support_for,
)

CPU = TorchBuild("a", "2.13.0+cpu", "")
CU130 = TorchBuild("b", "2.13.0+cu130", "13.0")
UNTOLD = TorchBuild("c", "2.13.0", None)


@pytest.mark.parametrize(
    ("builds", "expected"),
    [
        ([], None),
        ([CPU], False),
        ([CU130], True),
        ([CPU, CU130], True),
        ([CPU, UNTOLD], None),
        ([UNTOLD, CU130], True),
    ],
)
def test_one_torch_that_can_is_enough(builds: list[TorchBuild], expected: bool | None) -> None:
    assert support_for((9, 0), builds).supported is expected


def test_old_gpu_needs_an_older_build() -> None:
    assert support_for((7, 0), [CU130]).supported is False
    assert "7.5" in support_for((7, 0), [CU130]).detail
    assert support_for((7, 0), [TorchBuild("d", "2.13.0+cu126", "12.6")]).supported is True


def test_a_replica_that_computes_on_cuda_settles_it() -> None:
    build = reported_build("r1", "cuda:0", {"torch": "2.13.0"})
    assert build is not None
    assert support_for((7, 5), [build]).supported is True


def test_replica_reports_its_cuda() -> None:
    build = reported_build("r1", "cpu", {"torch": "2.13.0", "cuda": "12.6"})
    assert build is not None
    assert (build.cuda, build.uses_cuda) == ("12.6", False)
    assert reported_build("r1", "cpu", {}) is None


@pytest.mark.parametrize(
    ("version", "expected"),
    [("2.13.0+cpu", ""), ("2.13.0+cu130", "13.0"), ("2.13.0+cu126", "12.6"), ("2.13.0", None),
     ("2.13.0+rocm6.4", None)],
)  # fmt: skip
def test_cuda_of_a_version(version: str, expected: str | None) -> None:
    assert cuda_of_label(version) == expected


@pytest.mark.parametrize(
    ("cuda", "expected"), [("12.6", (5, 0)), ("12.8", (7, 5)), ("13.0", (7, 5)), ("13", (7, 5))]
)
def test_lowest_capability(cuda: str, expected: tuple[int, int]) -> None:
    assert lowest_capability(cuda) == expected


def test_installed_torch_is_told_as_it_is() -> None:
    torch = pytest.importorskip("torch")
    build = installed_build()
    assert build is not None
    assert build.version == torch.__version__
    assert build.cuda == (torch.version.cuda or "")
