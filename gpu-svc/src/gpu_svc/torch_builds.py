"""Which torch serves, and whether it can use a GPU, without importing torch."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

# Source: pytorch/pytorch RELEASE.md, CUDA support matrix of 2.11 and later for Linux x86: builds
# for CUDA 12.6 reach back to Maxwell, those for 12.8 and later begin with Turing.
LOWEST_BY_CUDA: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = (
    ((12, 8), (7, 5)),
    ((0, 0), (5, 0)),
)


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """One torch.

    Attributes:
        where: Whose it is, as a reader knows it.
        cuda: The CUDA it was built for, "" for a build without, None where nobody told.
        uses_cuda: It computes on a GPU at this moment, which settles the question.
    """

    where: str
    version: str
    cuda: str | None
    uses_cuda: bool = False


@dataclass(frozen=True, slots=True)
class Support:
    """supported: True, False, or None where it is not known; detail: why."""

    supported: bool | None
    detail: str


def support_for(compute_capability: tuple[int, int], builds: Iterable[TorchBuild]) -> Support:
    """Whether any of these torches can compute on a GPU of that capability."""
    known = list(builds)
    if not known:
        return Support(None, "No torch is installed here and no replica has reported one")
    supports = [_support_of(compute_capability, build) for build in known]
    for wanted in (True, None, False):
        for support in supports:
            if support.supported is wanted:
                return support
    return supports[0]


def _support_of(version: tuple[int, int], build: TorchBuild) -> Support:
    named = f"torch {build.version} ({build.where})"
    if build.uses_cuda:
        return Support(True, f"{named} computes on CUDA now")
    if build.cuda is None:
        return Support(None, f"{named} does not say what CUDA it was built for")
    if not build.cuda:
        return Support(False, f"{named} is a build without CUDA")
    lowest = lowest_capability(build.cuda)
    if version < lowest:
        needed = f"{lowest[0]}.{lowest[1]}"
        return Support(False, f"{named} for CUDA {build.cuda} needs compute capability {needed}")
    return Support(True, f"{named} was built for CUDA {build.cuda}")


def lowest_capability(cuda: str) -> tuple[int, int]:
    """The oldest GPUs that a torch build for that CUDA has kernels for."""
    major, _, minor = cuda.partition(".")
    version = (int(major), int(minor.split(".")[0] or 0))
    return next(lowest for since, lowest in LOWEST_BY_CUDA if version >= since)


def reported_build(replica: str, device: str, versions: Mapping[str, str]) -> TorchBuild | None:
    """The torch that a replica announces; None where it has none."""
    version = versions.get("torch")
    if version is None:
        return None
    cuda = versions.get("cuda", cuda_of_label(version))
    return TorchBuild(f"replica {replica}", version, cuda, device.startswith("cuda"))


def cuda_of_label(version: str) -> str | None:
    """The CUDA in a version's local label: "" for +cpu, "13.0" for +cu130, None without one."""
    label = version.partition("+")[2]
    if label == "cpu":
        return ""
    found = re.fullmatch(r"cu(\d+)(\d)", label)
    return f"{found.group(1)}.{found.group(2)}" if found else None


def installed_build() -> TorchBuild | None:
    """The torch in this environment, from its package's metadata and version file."""
    try:
        torch = distribution("torch")
    except PackageNotFoundError:
        return None
    version_file = Path(str(torch.locate_file("torch/version.py")))
    text = version_file.read_text() if version_file.is_file() else ""
    cuda = _declared_cuda(text)
    return TorchBuild(
        "installed beside gpu-svc",
        torch.version,
        cuda_of_label(torch.version) if cuda is None else cuda,
    )


def _declared_cuda(version_file: str) -> str | None:
    """What torch/version.py assigns to cuda: "13.0", or "" for None."""
    found = re.search(r"^cuda\b[^=\n]*=\s*(?:None|'([\d.]+)')", version_file, re.MULTILINE)
    return None if found is None else found.group(1) or ""
