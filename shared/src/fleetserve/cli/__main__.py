"""``fleetserve`` and ``python -m fleetserve.cli``."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from fleetserve.cli.context import Context
from fleetserve.cli.errors import CliError
from fleetserve.cli.parser import COMMANDS, build_parser
from fleetserve.cli.settings import load_cli_settings
from fleetserve.clock import SystemClock

FAILED = 1
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    context = Context(
        settings=load_cli_settings(),
        clock=SystemClock(),
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        binary_stdout=sys.stdout.buffer,
    )
    try:
        status = run(build_parser().parse_args(arguments), context)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader had enough, as `head` has; the rest must not fail again at the end.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return FAILED


def run(parsed: argparse.Namespace, context: Context) -> int:
    """Runs the parsed command; its failure becomes a block on stderr and exit status 1."""
    url, token = getattr(parsed, "url", None), getattr(parsed, "token", None)
    if url or token:
        settings = context.settings
        settings = replace(settings, url=url or settings.url, token=token or settings.token)
        context = replace(context, settings=settings)
    name = " ".join(filter(None, (parsed.command, getattr(parsed, "subcommand", None))))
    try:
        status: int = import_module(COMMANDS[name]).run(parsed, context)
    except CliError as exc:
        context.stderr.write(f"{exc.block()}\n")
        return FAILED
    return status


if __name__ == "__main__":
    sys.exit(main())
