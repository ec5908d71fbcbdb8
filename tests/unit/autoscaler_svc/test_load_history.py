import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler_svc.load_history import GAP_PERIODS, LoadHistory

KEPT_S = 30.0


@pytest.fixture
def history() -> LoadHistory:
    return LoadHistory(period_s=1.0, kept_s=KEPT_S)


def fill(history: LoadHistory, first_s: int, last_s: int, load: float) -> None:
    for second in range(first_s, last_s + 1):
        history.add(float(second), load)


def test_nothing_is_known_at_first(history: LoadHistory) -> None:
    assert history.mean(6.0, at_least_s=6.0) == 0.0
    assert (history.latest, history.covered_s(), history.idle_s(50.0)) == (0.0, 0.0, 0.0)


def test_constant_load_is_its_own_mean_in_every_window(history: LoadHistory) -> None:
    fill(history, 1, 60, 4.0)
    assert history.mean(6.0, at_least_s=6.0) == pytest.approx(4.0)
    assert history.mean(KEPT_S, at_least_s=6.0) == pytest.approx(4.0)


def test_short_window_sees_a_burst_before_the_long_one(history: LoadHistory) -> None:
    fill(history, 1, 54, 0.0)
    fill(history, 55, 60, 10.0)
    assert history.mean(6.0, at_least_s=6.0) == pytest.approx(10.0)
    assert history.mean(KEPT_S, at_least_s=6.0) == pytest.approx(2.0)


def test_first_second_does_not_look_like_a_whole_window(history: LoadHistory) -> None:
    history.add(1.0, 12.0)
    assert history.mean(6.0, at_least_s=6.0) == pytest.approx(2.0)
    assert history.mean(KEPT_S, at_least_s=6.0) == pytest.approx(2.0)


def test_sample_counts_for_as_long_as_it_held(history: LoadHistory) -> None:
    history.add(1.0, 0.0)
    history.add(2.0, 8.0)
    history.add(5.0, 2.0)
    assert history.mean(4.0, at_least_s=0.0) == pytest.approx((8.0 * 1 + 2.0 * 3) / 4)


def test_latest_is_the_newest_sample(history: LoadHistory) -> None:
    fill(history, 1, 5, 3.0)
    history.add(6.0, 7.0)
    assert history.latest == 7.0


def test_cover_grows_with_every_sample(history: LoadHistory) -> None:
    fill(history, 1, 40, 1.0)
    assert history.covered_s() == pytest.approx(40.0)


def test_gap_starts_the_cover_anew(history: LoadHistory) -> None:
    fill(history, 1, 40, 9.0)
    history.add(40.0 + GAP_PERIODS + 1, 1.0)
    assert history.covered_s() == pytest.approx(1.0)
    assert history.mean(KEPT_S, at_least_s=1.0) == pytest.approx(1.0)


def test_late_tick_is_no_gap(history: LoadHistory) -> None:
    fill(history, 1, 40, 9.0)
    history.add(40.0 + GAP_PERIODS, 9.0)
    assert history.covered_s() == pytest.approx(40.0 + GAP_PERIODS)


def test_idleness_counts_from_the_last_load(history: LoadHistory) -> None:
    fill(history, 1, 10, 1.0)
    fill(history, 11, 40, 0.0)
    assert history.idle_s(40.0) == pytest.approx(30.0)


def test_idleness_before_a_gap_is_not_counted(history: LoadHistory) -> None:
    fill(history, 1, 40, 0.0)
    history.add(100.0, 0.0)
    assert history.idle_s(110.0) == pytest.approx(10.0)


def test_decision_by_hand_forgets_the_load_and_does_not_learn_again(history: LoadHistory) -> None:
    fill(history, 1, 40, 50.0)
    history.forget(40.0)
    assert history.latest == 0.0
    assert history.mean(KEPT_S, at_least_s=6.0) == 0.0
    assert history.covered_s() == pytest.approx(KEPT_S)


def test_longer_window_is_kept_once_it_is_set(history: LoadHistory) -> None:
    history.resize(1.0, 60.0)
    fill(history, 1, 30, 6.0)
    fill(history, 31, 60, 0.0)
    assert history.mean(60.0, at_least_s=6.0) == pytest.approx(3.0)


@given(st.lists(st.floats(0, 500), min_size=1, max_size=90), st.floats(1, KEPT_S))
def test_mean_is_never_above_the_largest_sample(loads: list[float], window_s: float) -> None:
    history = LoadHistory(1.0, KEPT_S)
    for second, load in enumerate(loads):
        history.add(float(second), load)
    mean = history.mean(window_s, at_least_s=6.0)
    assert 0.0 <= mean <= max(loads) * (1 + 1e-9)
    assert not mean if not any(loads[-int(KEPT_S) :]) else True


@given(st.integers(40, 200), st.floats(0.1, 500))
def test_no_traffic_for_a_window_means_no_load(seconds: int, load: float) -> None:
    history = LoadHistory(1.0, KEPT_S)
    fill(history, 1, seconds, load)
    fill(history, seconds + 1, seconds + int(KEPT_S), 0.0)
    assert history.mean(KEPT_S, at_least_s=6.0) == 0.0
