"""The device of this replica: picked, set up and measured through torch."""

import gc

import structlog
import torch
from transformers.utils import logging as library_logging

from fleetserve.devices import pick_device
from fleetserve.replica.memory import give_back_heap, host_free_bytes, resident_bytes

log = structlog.get_logger(__name__)


def open_device(requested: str, threads: int) -> str:
    """Sets torch's threads, quiets the model library and picks the device.

    Raises: FleetError: the device that was asked for is not there.
    """
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    # torch convolves in TF32 where the device can: 10 bits, too few for utterances that share
    # a pass to sound within 1e-4 as they do alone.
    torch.backends.cudnn.allow_tf32 = False
    library_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    library_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    device = pick_device(requested, available_devices())
    log.info("device.opened", device=device, threads=threads, torch=torch.__version__)
    return device


def available_devices() -> list[str]:
    """In the order of preference within a kind."""
    devices = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return [*devices, "cpu"]


def free_bytes(device: str) -> int:
    """Memory that models could still take on the device."""
    if not device.startswith("cuda"):
        return host_free_bytes()
    free, _total = torch.cuda.mem_get_info(torch.device(device))
    # What torch keeps cached is free for the next model too.
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(free + cached)


def held_bytes(device: str) -> int:
    """Memory that this process holds: of the device, or of the host where that is one."""
    if device.startswith("cuda"):
        return int(torch.cuda.memory_reserved(torch.device(device)))
    return resident_bytes()


def give_back_memory(device: str) -> None:
    """Returns freed memory to the device and to the system."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    give_back_heap()
