"""``fleetserve up``: runs a whole fleet in the foreground."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence

from fleetserve.config_sources import SettingsError
from fleetserve.supervisor.console import Console
from fleetserve.supervisor.environment import host_and_port
from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.foreground import run_in_foreground
from fleetserve.supervisor.home import FleetRecord, claim_home
from fleetserve.supervisor.ports import check_port
from fleetserve.supervisor.services import FLEET, ServiceTemplate
from fleetserve.supervisor.settings import load_supervisor_settings

FAILED = 1
# How long a fleet that was killed a moment ago may take to let go of its port.
KILLED_FLEET_PATIENCE_S = 3.0


def up(
    environ: Mapping[str, str] | None = None, templates: Sequence[ServiceTemplate] = FLEET
) -> int:
    """Runs a fleet until it is told to end; returns the exit status.

    0: it ended as asked. 1: it could not start, and stderr says why. 130: Ctrl-C twice.
    """
    try:
        settings = load_supervisor_settings(environ)
        record = FleetRecord(os.getpid(), f"http://{host_and_port(settings.bind, settings.port)}")
        with claim_home(settings, record) as home:
            patience_s = KILLED_FLEET_PATIENCE_S if home.unclean else 0.0
            check_port(settings.bind, settings.port, patience_s=patience_s)
            return asyncio.run(run_in_foreground(settings, home, templates))
    except SettingsError as exc:
        problem = f"the configuration is wrong:\n{exc}"
    except SupervisorError as exc:
        problem = str(exc)
    Console(sys.stderr, colour=False).line(f"fleetserve: {problem}")
    return FAILED
