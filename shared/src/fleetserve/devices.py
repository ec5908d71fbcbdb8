"""Which device to compute on: what was asked for, or an error; never another one in silence."""

import re
from collections.abc import Mapping, Sequence

from fleetserve.errors import FleetError

# Best first; "auto" takes the first kind that is there.
KINDS = ("cuda", "mps", "cpu")
_REQUEST = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


class DeviceNotAvailableError(FleetError):
    """A device was asked for that is not there; nothing else was taken in its place."""

    status, default_code, title = 503, "device_not_available", "Device not available"


def pick_device(
    requested: str, available: Sequence[str], reasons: Mapping[str, str] | None = None
) -> str:
    """The device to use: "cpu", "mps" or "cuda:N".

    Args:
        requested: DEVICE's value: auto, cpu, mps, cuda or cuda:N, in any case.
        available: The devices that are there ("cuda:0", "mps", "cpu"), the preferred ones of a
            kind first: "auto" and "cuda" take the first.
        reasons: Why a kind is missing ("cuda" → "torch 2.13.0+cpu is a CPU build"), for the error.

    Raises:
        DeviceNotAvailableError: that device is not there, or there is none at all.
        ValueError: requested is none of the allowed values.
    """
    wanted = requested.strip().lower()
    if not _REQUEST.fullmatch(wanted):
        raise ValueError(f"DEVICE is {requested!r}; allowed are auto, cpu, mps, cuda and cuda:N")
    kinds = KINDS if wanted == "auto" else (wanted,)
    for kind in kinds:
        for device in available:
            if device == kind or (":" not in kind and device.startswith(f"{kind}:")):
                return device
    there = ", ".join(available) or "none"
    why = (reasons or {}).get(wanted.partition(":")[0], "")
    raise DeviceNotAvailableError(
        f"DEVICE={wanted} was asked for and is not there{f' ({why})' if why else ''}. "
        f"Devices here: {there}. Set DEVICE to one of them or to auto."
    )
