"""What a command works with, so that tests can give it something else."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TextIO

from fleetserve.cli.settings import CliSettings
from fleetserve.clock import Clock

if TYPE_CHECKING:
    # The supervisor starts through here and has no use for an HTTP client's 10 MB.
    import httpx


@dataclass(frozen=True, slots=True)
class Context:
    """The outside world of a command.

    Attributes:
        transport: Where requests go; None: the network.
    """

    settings: CliSettings
    clock: Clock
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    binary_stdout: BinaryIO
    transport: "httpx.BaseTransport | None" = None
