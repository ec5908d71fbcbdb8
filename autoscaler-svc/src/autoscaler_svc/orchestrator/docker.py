"""Replicas as containers, by the engine's proxy."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import docker
import docker.errors
import requests

from autoscaler_svc.container_clone import (
    GPU_LABEL,
    NUMBER_LABEL,
    REPLICA_LABEL,
    SERVICE_LABEL,
    TEMPLATE_LABEL,
    Identity,
    clone_body,
    clone_name,
)
from autoscaler_svc.orchestrator.base import (
    MANAGED_BY,
    MANAGED_LABEL,
    ReplicaSpec,
    Unit,
    UnitState,
)
from fleetserve.errors import InvalidFieldError, UnavailableError

# The first that knows subpaths of volumes: Docker Engine 26.
API_VERSION = "1.45"
TIMEOUT_S = 20
# Where a template names none; compose's own default of 10 s is less than a drain takes.
GRACE_S = 75
# Each stop blocks a thread for as long as the drain takes.
THREADS = 16
SHORT_ID = 12

T = TypeVar("T")
Labels = Mapping[str, str]
Containers = list[dict[str, Any]]


class DockerOrchestrator:
    """Clones the fleet's own containers; what it may see and do, the proxy decides.

    Args:
        url: The proxy's, such as http://engine-proxy:2375.
    """

    def __init__(self, url: str) -> None:
        self._client = docker.APIClient(base_url=url, version=API_VERSION, timeout=TIMEOUT_S)
        # Proxies of the environment are for the world outside.
        self._client.trust_env = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="docker")
        self._ends: dict[str, asyncio.Task[None]] = {}
        self._starting = asyncio.Lock()

    async def list(self) -> "list[Unit]":
        found = await self._in_thread(self._containers)
        units = [_unit(container) for container in found if container["State"] != "removing"]
        return sorted(units, key=lambda unit: (unit.created_at, unit.id))

    async def start(self, spec: ReplicaSpec) -> Unit:
        # One at a time, so that no two take the same number.
        async with self._starting:
            return await self._in_thread(lambda: self._start(spec))

    async def drain(self, unit_id: str) -> None:
        self._begin_end(unit_id, None)
        await asyncio.sleep(0)

    async def stop(self, unit_id: str, *, grace_s: float | None = None) -> None:
        task = self._ends.get(unit_id)
        if task is None:
            task = self._begin_end(unit_id, grace_s)
        elif grace_s is not None:
            await self._kill_after(unit_id, task, grace_s)
        await asyncio.shield(task)

    async def close(self) -> None:
        for task in self._ends.values():
            task.cancel()
        await asyncio.gather(*self._ends.values(), return_exceptions=True)
        self._client.close()
        self._threads.shutdown(wait=False)

    def _begin_end(self, unit_id: str, grace_s: float | None) -> "asyncio.Task[None]":
        task = self._ends.get(unit_id)
        if task is None:
            end = self._in_thread(lambda: self._end(unit_id, grace_s))
            task = asyncio.ensure_future(end)
            self._ends[unit_id] = task
            task.add_done_callback(lambda done: self._ended(unit_id, done))
        return task

    def _ended(self, unit_id: str, task: "asyncio.Task[None]") -> None:
        self._ends.pop(unit_id, None)
        # Whoever waits for it is told; where nobody does, the next list shows what is so.
        _ = task.cancelled() or task.exception()

    async def _kill_after(self, unit_id: str, end: Awaitable[None], grace_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await asyncio.shield(end)
            return

        def kill() -> None:
            # It may have ended, or be gone, meanwhile.
            with contextlib.suppress(docker.errors.APIError):
                self._client.kill(unit_id, signal="SIGKILL")

        await self._in_thread(kill)

    # From here on: in a thread.

    def _containers(self) -> Containers:
        found = self._client.containers(all=True)
        return [c for c in found if SERVICE_LABEL in (c.get("Labels") or {})]

    def _start(self, spec: ReplicaSpec) -> Unit:
        containers = self._containers()
        own = [c for c in containers if _is_template(c["Labels"], spec.service)]
        stopped = next((c for c in own if c["State"] in ("exited", "dead")), None)
        if stopped is not None:
            self._client.start(stopped["Id"])
            return self._find(stopped["Id"])
        if not own:
            raise InvalidFieldError(
                "service", f"no container of {spec.service} is there to make another one after"
            )
        return self._find(self._create(spec, own, containers))

    def _create(self, spec: ReplicaSpec, own: Containers, containers: Containers) -> str:
        # The newest shows what compose was last told; its listing names the image by what still
        # leads to it, which may be the id alone after another build.
        newest = max(own, key=lambda c: c["Created"])
        template = self._client.inspect_container(newest["Id"])
        number = _free_number(containers, newest["Labels"][TEMPLATE_LABEL])
        identity = Identity(number, f"{spec.service}-{number}", spec.environment)
        body = clone_body(template, newest["Image"], identity)
        created = self._client.create_container_from_config(body, clone_name(template, number))
        try:
            self._client.start(created["Id"])
        except BaseException:
            with contextlib.suppress(docker.errors.DockerException):
                self._client.remove_container(created["Id"], force=True)
            raise
        return str(created["Id"])

    def _find(self, container_id: str) -> Unit:
        found = next((c for c in self._containers() if c["Id"] == container_id), None)
        if found is None:
            raise UnavailableError(f"container {container_id[:SHORT_ID]} vanished as it started")
        return _unit(found)

    def _end(self, container_id: str, grace_s: float | None) -> None:
        try:
            config = self._client.inspect_container(container_id)["Config"]
            grace = (config.get("StopTimeout") or GRACE_S) if grace_s is None else round(grace_s)
            self._client.stop(container_id, timeout=grace)
            if (config.get("Labels") or {}).get(MANAGED_LABEL) == MANAGED_BY:
                self._client.remove_container(container_id, force=True)
        except docker.errors.NotFound:
            return

    async def _in_thread(self, function: Callable[[], T]) -> T:
        with _translated():
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except docker.errors.APIError as exc:
        said = exc.explanation or str(exc)
        raise UnavailableError(f"The engine refused: {said}", code="engine_refused") from exc
    except (docker.errors.DockerException, requests.RequestException, OSError) as exc:
        raise UnavailableError(f"The engine's proxy does not answer: {exc}") from exc


def _is_template(labels: Labels, service: str) -> bool:
    return (
        labels.get(SERVICE_LABEL) == service
        and TEMPLATE_LABEL in labels
        and MANAGED_LABEL not in labels
    )


def _free_number(containers: Containers, template: str) -> int:
    """The smallest that no clone of this template has."""
    taken = {
        c["Labels"].get(NUMBER_LABEL)
        for c in containers
        if c["Labels"].get("com.docker.compose.service") == template
    }
    number = 1
    while str(number) in taken:
        number += 1
    return number


def _unit(container: Mapping[str, Any]) -> Unit:
    labels: Labels = container["Labels"]
    managed = labels.get(MANAGED_LABEL) == MANAGED_BY
    return Unit(
        id=container["Id"],
        service=labels[SERVICE_LABEL],
        replica_id=labels.get(REPLICA_LABEL, ""),
        # A container's host name is the beginning of its id, where compose gives it no other.
        host=container["Id"][:SHORT_ID],
        state=_state(container["State"], managed=managed),
        managed=managed,
        created_at=float(container["Created"]),
        gpu=labels.get(GPU_LABEL, ""),
    )


def _state(state: str, *, managed: bool) -> UnitState:
    if state in ("running", "paused"):
        return UnitState.RUNNING
    if state == "restarting":
        return UnitState.RESTARTING
    if state == "created" and not managed:
        # Compose is about to start it, once what it depends on is there.
        return UnitState.RESTARTING
    return UnitState.STOPPED
