"""The Redis of a fleet: its own, or the one that REDIS_URL names."""

from fleetserve.clock import Clock
from fleetserve.supervisor.console import Console
from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.fleet import Fleet
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.launcher import redis_launch
from fleetserve.supervisor.redis_server import (
    find_redis_server,
    parse_redis_url,
    ping,
    write_redis_files,
)
from fleetserve.supervisor.services import REDIS
from fleetserve.supervisor.settings import SupervisorSettings


async def obtain_redis(
    settings: SupervisorSettings,
    home: FleetHome,
    fleet: Fleet,
    clock: Clock,
    console: Console,
    *,
    port: int,
) -> str:
    """The URL of a Redis that answers: the one that is given, or our own on ``port``.

    Raises: SupervisorError: there is none, or it does not answer; and what to do.
    """
    if settings.external_redis_url is not None:
        await _check_external(settings.external_redis_url, console)
        return settings.external_redis_url
    binary = find_redis_server(settings.inherited.get("PATH"))
    config, target = write_redis_files(home.secrets_dir, home.redis_dir, port)
    launch = redis_launch(binary, config, target, settings=settings, clock=clock)
    await fleet.start_redis(launch)
    return target.url


async def _check_external(url: str, console: Console) -> None:
    target = parse_redis_url(url)
    if target is None:
        console.event("given", REDIS, "by REDIS_URL", colour="green")
        return
    problem = await ping(target)
    if problem:
        raise SupervisorError(
            f"The Redis of REDIS_URL at {target.address} can't be used: {problem}. Start it, or "
            "unset REDIS_URL to let the fleet start its own."
        )
    console.event("given", REDIS, target.address, colour="green")
