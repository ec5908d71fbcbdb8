"""Says what happens to processes, one line each."""

from enum import StrEnum

from fleetserve.supervisor.console import Console, seconds
from fleetserve.supervisor.failure import exit_text
from fleetserve.supervisor.process import Exited, ManagedProcess, Observer


class Phase(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class Narrator(Observer):
    """Prints lines as they fit the phase that the fleet is in.

    An end before readiness at the first start is the fleet's to report, with its reasons; an
    end that was asked for is news only while the fleet runs on.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.phase = Phase.STARTING

    def on_ready(self, process: ManagedProcess, took_s: float) -> None:
        name, address = process.launch.replica_id, process.view().address or ""
        self._console.event("ready", name, address, seconds(took_s), colour="green")

    def on_exit(self, process: ManagedProcess, exited: Exited) -> None:
        name = process.launch.replica_id
        if exited.asked_for:
            if self.phase is Phase.RUNNING:
                self._console.event("ended", name, "as asked", colour="dim")
        elif exited.was_ready or self.phase is not Phase.STARTING:
            self._console.event("ended", name, _ending(exited), colour="yellow")


def _ending(exited: Exited) -> str:
    text = f"{exit_text(exited.code)} after {seconds(exited.ran_s)}"
    if exited.restart_in_s is None:
        return text
    return f"{text}; starts again in {exited.restart_in_s:.1f} s"
