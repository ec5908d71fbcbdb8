"""``fleetserve up``: the supervisor, which also ``make run`` starts."""

from argparse import Namespace

from fleetserve.cli.context import Context
from fleetserve.supervisor.up import up


def run(_: Namespace, context: Context) -> int:
    """Runs a fleet in the foreground."""
    return up(context.settings.environment)
