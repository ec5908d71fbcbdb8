from hypothesis import given
from hypothesis import strategies as st

from model_registry_svc.backoff import LONGEST_DELAY_S, Backoff


def test_delays_double_up_to_a_bound_and_end() -> None:
    backoff = Backoff(lambda: 0.5, max_failures=10)
    delays = [backoff.next_delay_s() for _ in range(10)]
    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, None]


def test_bytes_in_between_make_the_next_failure_a_first_one() -> None:
    backoff = Backoff(lambda: 0.5, max_failures=3)
    assert backoff.next_delay_s() == 0.25
    assert backoff.next_delay_s() == 0.5
    backoff.succeeded()
    assert backoff.next_delay_s() == 0.25


def test_server_that_asks_for_a_longer_wait_gets_it() -> None:
    backoff = Backoff(lambda: 0.5)
    assert backoff.next_delay_s(7.0) == 7.0
    assert backoff.next_delay_s(0.0) == 0.5


@given(st.floats(0, 0.999), st.integers(2, 12))
def test_jitter_stays_within_a_quarter(random: float, failures: int) -> None:
    backoff = Backoff(lambda: random, max_failures=20)
    delays = [backoff.next_delay_s() for _ in range(failures)]
    assert all(d is not None and d <= LONGEST_DELAY_S * 1.25 for d in delays)
