"""When a process that ended is started again. Pure: times come in, a decision goes out."""

from dataclasses import dataclass, replace
from enum import StrEnum

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 10.0
GOOD_RUN_S = 30.0


class RestartPolicy(StrEnum):
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Backoff:
    """The delay before the next restart; doubles from one bad run to the next."""

    delay_s: float = FIRST_DELAY_S

    def after(self, ready_s: float) -> "Backoff":
        """The back-off that holds after a run that was ready for ``ready_s`` seconds."""
        return Backoff() if ready_s >= GOOD_RUN_S else self

    def doubled(self) -> "Backoff":
        return replace(self, delay_s=min(self.delay_s * 2, LONGEST_DELAY_S))


@dataclass(frozen=True, slots=True)
class RestartDecision:
    """``delay_s`` None: the process stays down. ``backoff`` is the one to decide by next."""

    delay_s: float | None
    backoff: Backoff


def decide_restart(
    policy: RestartPolicy, backoff: Backoff, *, ready_s: float, stop_requested: bool
) -> RestartDecision:
    """What follows on an exit.

    ``ready_s`` is for how long the ended run was ready, 0 when it never was. An end that
    somebody asked for is final under any policy.
    """
    if stop_requested or policy is RestartPolicy.NEVER:
        return RestartDecision(None, backoff)
    current = backoff.after(ready_s)
    return RestartDecision(current.delay_s, current.doubled())
