from model_registry_svc.request_counts import RequestCounts


def test_rate_is_unknown_before_the_first_request() -> None:
    assert RequestCounts().hit_rate is None


def test_rate_is_the_share_of_hits() -> None:
    counts = RequestCounts()
    for hit in (True, False, False, False):
        counts.count(hit=hit)
    assert (counts.hit_rate, counts.total) == (0.25, 4)
