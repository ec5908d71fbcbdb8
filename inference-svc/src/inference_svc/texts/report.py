"""What a generating model has done and is doing, for dashboards and Prometheus."""

from dataclasses import dataclass, field

from fleetserve.metrics.histogram import LatencyHistogram


@dataclass(slots=True)
class Written:
    """Sums since the model was loaded; written by the compute thread.

    Attributes:
        rows: Texts in steps, each counted in every step: over ``steps`` the mean batch.
        first_token: From being handed over to the first token.
    """

    steps: int = 0
    rows: int = 0
    prompt_tokens: int = 0
    tokens: int = 0
    compute_s: float = 0.0
    first_token: LatencyHistogram = field(default_factory=LatencyHistogram)


@dataclass(frozen=True, slots=True)
class WritingReport:
    """``written`` so far, and what is there now."""

    written: Written
    at_work: int
    waiting: int
    held_bytes: int
    budget_bytes: int
