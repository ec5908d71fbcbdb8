import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetserve.supervisor.restart import (
    FIRST_DELAY_S,
    GOOD_RUN_S,
    LONGEST_DELAY_S,
    Backoff,
    RestartPolicy,
    decide_restart,
)


def delays(runs: list[float]) -> list[float | None]:
    backoff, found = Backoff(), []
    for ready_s in runs:
        decision = decide_restart(
            RestartPolicy.ALWAYS, backoff, ready_s=ready_s, stop_requested=False
        )
        backoff = decision.backoff
        found.append(decision.delay_s)
    return found


def test_delays_double_to_the_longest_while_runs_are_bad() -> None:
    assert delays([0.0] * 8) == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_a_good_run_begins_the_delays_anew() -> None:
    assert delays([0.0, 0.0, 0.0, GOOD_RUN_S, 0.0]) == [0.2, 0.4, 0.8, 0.2, 0.4]


def test_a_run_that_was_ready_for_a_moment_only_is_no_good_run() -> None:
    assert delays([0.0, GOOD_RUN_S - 0.1]) == [0.2, 0.4]


@pytest.mark.parametrize("policy", list(RestartPolicy))
def test_an_end_that_was_asked_for_is_final(policy: RestartPolicy) -> None:
    decision = decide_restart(policy, Backoff(), ready_s=100.0, stop_requested=True)
    assert decision.delay_s is None


def test_policy_never_stays_down() -> None:
    decision = decide_restart(RestartPolicy.NEVER, Backoff(), ready_s=100.0, stop_requested=False)
    assert decision.delay_s is None


@given(st.lists(st.floats(min_value=0, max_value=100)))
def test_delays_keep_their_bounds(runs: list[float]) -> None:
    for delay_s in delays(runs):
        assert delay_s is not None
        assert FIRST_DELAY_S <= delay_s <= LONGEST_DELAY_S
