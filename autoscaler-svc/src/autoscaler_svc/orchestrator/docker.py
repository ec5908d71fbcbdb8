"""Replicas as containers, by the engine's proxy."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import docker
import docker.errors
import requests

from autoscaler_svc.container_clone import (
    GPU_LABEL,
    HASH_LABEL,
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
LIST_POLLS = 40
LIST_POLL_S = 0.05

T = TypeVar("T")
Labels = Mapping[str, str]
Container = dict[str, Any]
Containers = list[Container]


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
        units = [
            _unit(container, _template(found, container["Labels"][SERVICE_LABEL]))
            for container in found
            if container["State"] != "removing"
        ]
        # Whole seconds are all that the engine tells.
        return sorted(units, key=lambda u: (u.created_at, u.managed, u.replica_id, u.id))

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
            return self._started(stopped["Id"])
        template = _template(containers, spec.service)
        if template is None:
            raise InvalidFieldError(
                "service", f"no container of {spec.service} is there to make another one after"
            )
        return self._started(self._create(spec, template, containers))

    def _create(self, spec: ReplicaSpec, listed: Container, containers: Containers) -> str:
        template = self._client.inspect_container(listed["Id"])
        number = _free_number(containers, listed["Labels"][TEMPLATE_LABEL])
        identity = Identity(number, f"{spec.service}-{number}", spec.environment)
        # The listing names the image by what still leads to it: the id alone after a new build.
        body = clone_body(template, listed["Image"], identity)
        created = self._client.create_container_from_config(body, clone_name(template, number))
        try:
            self._client.start(created["Id"])
        except BaseException:
            with contextlib.suppress(docker.errors.DockerException):
                self._client.remove_container(created["Id"], force=True)
            raise
        return str(created["Id"])

    def _started(self, container_id: str) -> Unit:
        found = self._listed(container_id, lambda c: c["State"] in ("running", "restarting"))
        if found is None:
            raise UnavailableError(f"container {container_id[:SHORT_ID]} vanished as it started")
        return _unit(found, None)

    def _listed(self, container_id: str, is_so: Callable[[Container], bool]) -> Container | None:
        """The container, once the list shows it so; the list follows a moment after a call."""
        found = None
        for _ in range(LIST_POLLS):
            found = next((c for c in self._containers() if c["Id"] == container_id), None)
            if found is None or is_so(found):
                return found
            time.sleep(LIST_POLL_S)
        return found

    def _end(self, container_id: str, grace_s: float | None) -> None:
        try:
            config = self._client.inspect_container(container_id)["Config"]
            grace = (config.get("StopTimeout") or GRACE_S) if grace_s is None else round(grace_s)
            self._client.stop(container_id, timeout=grace)
            if (config.get("Labels") or {}).get(MANAGED_LABEL) == MANAGED_BY:
                self._client.remove_container(container_id, force=True)
            else:
                self._listed(container_id, lambda c: c["State"] != "running")
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


def _template(containers: Containers, service: str) -> Container | None:
    """The newest of the fleet's own, which shows what compose was last told."""
    own = [c for c in containers if _is_template(c["Labels"], service)]
    return max(own, key=lambda c: c["Created"], default=None)


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


def _unit(container: Container, template: Container | None) -> Unit:
    labels: Labels = container["Labels"]
    managed = labels.get(MANAGED_LABEL) == MANAGED_BY
    outdated = managed and template is not None and _origin(container) != _origin(template)
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
        outdated=outdated,
    )


def _origin(container: Container) -> tuple[str, str]:
    """The image that it runs, and compose's hash of what it was told."""
    return container["ImageID"], container["Labels"].get(HASH_LABEL, "")


def _state(state: str, *, managed: bool) -> UnitState:
    if state in ("running", "paused"):
        return UnitState.RUNNING
    if state == "restarting":
        return UnitState.RESTARTING
    if state == "created" and not managed:
        # Compose is about to start it, once what it depends on is there.
        return UnitState.RESTARTING
    return UnitState.STOPPED
