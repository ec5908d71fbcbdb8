"""What the command reads from the environment; the only file of the CLI that does."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class CliSettings:
    """Which gateway is called, as whom, and whether the terminal may be coloured.

    Attributes:
        environment: All of it, for the commands that start or check a fleet.
    """

    url: str
    token: str | None
    colour: bool
    environment: Mapping[str, str]


def load_cli_settings(environ: Mapping[str, str] | None = None) -> CliSettings:
    """Settings from the environment; command-line options go over them."""
    env = dict(os.environ if environ is None else environ)
    return CliSettings(
        url=env.get("FLEETSERVE_URL") or DEFAULT_URL,
        token=env.get("FLEETSERVE_TOKEN") or None,
        colour=not env.get("NO_COLOR") and env.get("TERM") != "dumb",
        environment=env,
    )
