"""One request on its way: who it is for, how long it has, where it was already tried."""

import math
from dataclasses import dataclass, field

from gateway.bodies import Body
from gateway.catalogue import Offer
from gateway.jobs.order import JobOrder
from gateway.known_models import Target

MODEL_HEADER = "x-fleet-model"
Headers = dict[bytes, bytes]


def passed_on(headers: Headers, names: tuple[bytes, ...]) -> list[tuple[str, str]]:
    """Those of a client's headers (lower-case names) that a replica should see."""
    return [
        (name.decode(), value.decode("latin-1"))
        for name in names
        if (value := headers.get(name)) is not None
    ]


@dataclass(frozen=True, slots=True)
class Fetch:
    """A model of the catalogue that is not here; ``asked`` is what the caller called it."""

    offer: Offer
    asked: str


@dataclass(slots=True)
class Exchange:
    """State of one forwarded request.

    Attributes:
        model: None for the routes of a control service.
        headers: Go upstream with every attempt.
        deadline_s: On the gateway's monotonic clock.
        repeatable: A second execution does no harm.
        max_hold_s: Longest time to hold it, where that is less than the waiting room's.
        tried: Replicas that failed or refused since the request was last held.
        holds: How often it was held after every replica was tried.
        order: It is to be taken in as a job, and not sent now.
        fetch: The model is still to come; ``model`` only says what it is going to be.
        may_fetch: It may have that model fetched; else it only waits a moment for it.
        two_stage: The model rewrites the text of the body, and another one speaks it.
    """

    method: str
    target: str
    service: str
    model: Target | None
    body: Body | None
    headers: list[tuple[str, str]]
    deadline_s: float
    repeatable: bool = True
    max_hold_s: float = math.inf
    attempts: int = 0
    tried: set[str] = field(default_factory=set)
    upstream: str = ""
    held_s: float = 0.0
    holds: int = 0
    order: JobOrder | None = None
    two_stage: bool = False
    fetch: Fetch | None = None
    may_fetch: bool = False

    @property
    def model_name(self) -> str:
        return self.model.record.name if self.model is not None else ""

    def use(self, target: Target) -> None:
        """The model that came, under its own name."""
        self.model, self.service, self.fetch = target, target.service, None
        others = [(name, value) for name, value in self.headers if name != MODEL_HEADER]
        self.headers = [*others, (MODEL_HEADER, target.record.name)]

    @property
    def size(self) -> int:
        return self.body.size if self.body is not None else 0
