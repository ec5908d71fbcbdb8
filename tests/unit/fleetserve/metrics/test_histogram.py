import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetserve.metrics.histogram import LatencyHistogram

SECONDS = st.floats(min_value=0.0, max_value=10_000.0)


def histogram(*seconds: float) -> LatencyHistogram:
    made = LatencyHistogram()
    for value in seconds:
        made.record(value)
    return made


@given(SECONDS)
def test_a_recorded_time_is_told_to_a_sixteenth_and_never_too_short(seconds: float) -> None:
    told = histogram(seconds).quantile_s(1.0)
    micros = int(seconds * 1e6)
    assert micros <= told * 1e6 + 0.5
    assert told * 1e6 <= micros * (1 + 1 / 16) + 1


@given(st.lists(SECONDS, min_size=1), st.floats(min_value=0.0, max_value=1.0))
def test_quantile_is_one_that_enough_did_not_exceed(times: list[float], q: float) -> None:
    bound = histogram(*times).quantile_s(q)
    assert sum(t <= bound + 1e-6 for t in times) >= q * len(times)


@given(st.lists(SECONDS, min_size=1))
def test_higher_quantiles_are_no_shorter(times: list[float]) -> None:
    made = histogram(*times)
    told = [made.quantile_s(q / 10) for q in range(11)]
    assert told == sorted(told)


@given(st.lists(SECONDS), st.lists(SECONDS))
def test_merged_is_as_if_recorded_in_one(some: list[float], others: list[float]) -> None:
    merged, together = histogram(*some), histogram(*some, *others)
    merged.merge(histogram(*others))
    assert merged.counts == together.counts
    assert merged.total == together.total
    assert merged.total_s == pytest.approx(together.total_s)


@given(st.lists(SECONDS))
def test_counts_and_sum_rebuild_it(times: list[float]) -> None:
    made = histogram(*times)
    rebuilt = LatencyHistogram(made.counts, made.total_s)
    assert (rebuilt.counts, rebuilt.total, rebuilt.total_s) == (
        made.counts,
        len(times),
        made.total_s,
    )


def test_nothing_recorded_is_zero() -> None:
    assert LatencyHistogram().quantile_s(0.99) == 0.0


def test_cumulative_counts_for_prometheus() -> None:
    made = histogram(0.0005, 0.004, 0.004, 2.0)
    assert [made.at_most(b) for b in (0.001, 0.005, 1.0, 5.0)] == [1, 3, 3, 4]


def test_the_origin_is_not_shared() -> None:
    counts = {3: 1}
    LatencyHistogram(counts).record(0.5)
    assert counts == {3: 1}
