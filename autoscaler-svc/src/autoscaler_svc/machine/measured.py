"""This machine, as the system tells it; its GPUs, as gpu-svc does."""

import os
from collections.abc import Sequence
from pathlib import Path

import httpx
import orjson
import structlog

from autoscaler_svc.bounds import Room
from fleetserve.clock import Clock
from fleetserve.tokens import TOKEN_HEADER, TokenSigner

log = structlog.get_logger(__name__)

GPU_SERVICE = "gpu-svc"
GPUS_EVERY_S = 30.0
TIMEOUT_S = 2.0
_MEMINFO = Path("/proc/meminfo")


class MeasuredMachine:
    """Memory is the host's: what one replica's container may take is not this one's bound."""

    def __init__(
        self,
        clock: Clock,
        signer: TokenSigner,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        meminfo: Path = _MEMINFO,
    ) -> None:
        self._clock = clock
        self._signer = signer
        self._client = httpx.AsyncClient(transport=transport, trust_env=False)
        self._meminfo = meminfo
        self._gpus = 0
        self._asked_s: float | None = None

    async def look(self, gpu_services: Sequence[str] | None = None) -> Room:
        gpus = await self._count_gpus(gpu_services) if gpu_services is not None else 0
        return Room(cores=_cores(), free_mb=_free_mb(self._meminfo), gpus=gpus)

    async def close(self) -> None:
        await self._client.aclose()

    async def _count_gpus(self, gpu_services: Sequence[str]) -> int:
        now_s = self._clock.monotonic_s()
        if self._asked_s is None or now_s - self._asked_s > GPUS_EVERY_S:
            self._asked_s = now_s
            for address in gpu_services:
                self._gpus = await self._ask(address) or self._gpus
        # Replicas compute on one, so there is one, whatever is told of it.
        return max(1, self._gpus)

    async def _ask(self, address: str) -> int:
        try:
            response = await self._client.get(
                f"{address}/gpu/detect",
                headers={TOKEN_HEADER: self._signer.token_for(GPU_SERVICE)},
                timeout=TIMEOUT_S,
            )
            return int(orjson.loads(response.content)["suitable_gpus"])
        except (httpx.HTTPError, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
            log.info("gpus.not_counted", reason=str(exc) or type(exc).__name__)
            return 0


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _free_mb(meminfo: Path) -> float:
    try:
        with meminfo.open() as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return -1.0
