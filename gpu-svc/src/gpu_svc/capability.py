"""What a GPU of a compute capability can do.

Source: NVIDIA, CUDA C++ Programming Guide, table of features and technical specifications per
compute capability; the DP4A instruction (int8) from 6.1, bfloat16 and TF32 from 8.0, FP8 from 8.9.
"""

from dataclasses import dataclass

ARCHITECTURES: tuple[tuple[tuple[int, int], str], ...] = (
    ((10, 0), "Blackwell"),
    ((9, 0), "Hopper"),
    ((8, 9), "Ada Lovelace"),
    ((8, 0), "Ampere"),
    ((7, 5), "Turing"),
    ((7, 0), "Volta"),
    ((6, 0), "Pascal"),
    ((5, 0), "Maxwell"),
    ((3, 0), "Kepler"),
)
# Turing without tensor cores: GTX 1650, 1660 and their variants have capability 7.5 too.
NO_TENSOR_CORES = "GTX 16"


@dataclass(frozen=True, slots=True)
class Capability:
    """Data types a GPU computes in natively, not merely stores."""

    major: int
    minor: int
    supports_fp16: bool
    supports_bf16: bool
    supports_int8: bool
    supports_fp8: bool
    supports_tensor_cores: bool
    supports_tf32: bool

    @property
    def recommended_precisions(self) -> tuple[str, ...]:
        """The ones worth computing in, the best first; fp32 always works."""
        fast_half = self.supports_tensor_cores or (self.major, self.minor) == (6, 0)
        offered = (
            ("bf16", self.supports_bf16),
            ("fp16", self.supports_fp16 and fast_half),
            ("fp8", self.supports_fp8),
            ("int8", self.supports_int8),
            ("fp32", True),
        )
        return tuple(name for name, worth in offered if worth)


def capability_of(version: tuple[int, int], name: str) -> Capability:
    """The features of a compute capability; the name tells the few GPUs that differ."""
    return Capability(
        major=version[0],
        minor=version[1],
        supports_fp16=version >= (5, 3),
        supports_bf16=version >= (8, 0),
        supports_int8=version >= (6, 1),
        supports_fp8=version >= (8, 9),
        supports_tensor_cores=version >= (7, 0) and NO_TENSOR_CORES not in name,
        supports_tf32=version >= (8, 0),
    )


def architecture_of(version: tuple[int, int]) -> str:
    return next((name for lowest, name in ARCHITECTURES if version >= lowest), "unknown")
