from concurrent.futures import ThreadPoolExecutor

from auth_svc.tally import Tally


def test_drain_gives_what_came_since_the_last_and_totals_stay() -> None:
    tally = Tally()
    tally.add("logins")
    tally.add("logins")
    assert tally.drain() == {"logins": 2}
    tally.add("logins")
    assert tally.drain() == {"logins": 1}
    assert tally.drain() == {}
    assert tally.totals == {"logins": 3}


def test_nothing_is_lost_between_threads() -> None:
    tally = Tally()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: tally.add("a"), range(1000)))
    assert tally.totals == {"a": 1000}
