from fnmatch import fnmatch

from fleetserve.keys import Keys

keys = Keys("fleet-a")


def plain_keys() -> list[str]:
    return [getattr(keys, n) for n, v in vars(Keys).items() if isinstance(v, property)]


def test_every_key_stands_under_the_prefix() -> None:
    made = [
        *plain_keys(),
        keys.announcement("gateway", "g1"),
        keys.job("j1"),
        keys.metrics("gateway", "g1"),
        keys.celery("downloads"),
    ]
    assert len(made) > 8
    assert all(key.startswith("fleet-a:") for key in made)


def test_no_two_keys_are_the_same() -> None:
    assert len(plain_keys()) == len(set(plain_keys()))


def test_announcements_match_their_pattern_and_nothing_else_does() -> None:
    assert fnmatch(keys.announcement("audio-svc", "a1"), keys.announcement_pattern)
    assert not fnmatch(keys.announcements_channel, keys.announcement_pattern)
    assert not fnmatch(Keys("fleet-b").announcement("audio-svc", "a1"), keys.announcement_pattern)


def test_replicas_of_a_service_have_their_own_metrics() -> None:
    assert keys.metrics("gateway", "g1") != keys.metrics("gateway", "g2")
