"""What the models that write have done: a table of the dashboard, and Prometheus metrics."""

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from fleetserve.dashboard.view import Table
from fleetserve.metrics.requests import BOUNDS_S
from fleetserve.replica.models import HandleState
from fleetserve.replica.pool import ModelPool
from inference_svc.served import GeneratingModel, Served
from inference_svc.texts.report import WritingReport

_COLUMNS = (
    "model",
    "at work",
    "waiting",
    "tokens",
    "tokens per compute s",
    "prompt tokens",
    "mean batch",
    "first token p50 ms",
    "cache MiB",
    "of MiB",
)


def text_table(pool: ModelPool[Served]) -> Table:
    rows = [_row(name, report) for name, report in _reports(pool)]
    return Table("Texts", _COLUMNS, rows, empty="No model that writes is loaded.")


class TextMetrics(Collector):
    """Asked on the event loop; a model that is unloaded takes its counts with it."""

    def __init__(self, pool: ModelPool[Served]) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        tokens = CounterMetricFamily(
            "fleetserve_generated_tokens", "Tokens that were written.", labels=["model"]
        )
        prompts = CounterMetricFamily(
            "fleetserve_prompt_tokens", "Tokens of prompts that were read.", labels=["model"]
        )
        steps = CounterMetricFamily(
            "fleetserve_generation_seconds", "Compute time of the steps.", labels=["model"]
        )
        working = GaugeMetricFamily(
            "fleetserve_texts_at_work", "Texts that are being written.", labels=["model"]
        )
        cache = GaugeMetricFamily(
            "fleetserve_kv_cache_bytes", "Reserved for keys and values.", labels=["model"]
        )
        first = HistogramMetricFamily(
            "fleetserve_first_token_seconds", "Time to the first token.", labels=["model"]
        )
        for name, report in _reports(self._pool):
            written, label = report.written, [name]
            tokens.add_metric(label, written.tokens)
            prompts.add_metric(label, written.prompt_tokens)
            steps.add_metric(label, written.compute_s)
            working.add_metric(label, report.at_work)
            cache.add_metric(label, report.held_bytes)
            latency = written.first_token
            buckets = [(str(bound), float(latency.at_most(bound))) for bound in BOUNDS_S]
            buckets.append(("+Inf", float(latency.total)))
            first.add_metric(label, buckets, latency.total_s)
        yield from (tokens, prompts, steps, working, cache, first)


def _reports(pool: ModelPool[Served]) -> Iterator[tuple[str, WritingReport]]:
    for handle in pool.handles():
        if handle.state is HandleState.READY and isinstance(handle.model, GeneratingModel):
            yield handle.spec.name, handle.model.report()


def _row(name: str, report: WritingReport) -> tuple[object, ...]:
    written = report.written
    return (
        name,
        report.at_work,
        report.waiting,
        written.tokens,
        round(written.tokens / written.compute_s, 1) if written.compute_s else 0.0,
        written.prompt_tokens,
        round(written.rows / written.steps, 1) if written.steps else 0.0,
        round(written.first_token.quantile_s(0.5) * 1000, 1),
        round(report.held_bytes / 2**20, 1),
        round(report.budget_bytes / 2**20, 1),
    )
