import pytest

from fleetserve.model_policies import ModelPolicy, decode_policies, encode_policy


@pytest.mark.parametrize(
    ("policy", "limit_s"),
    [
        (ModelPolicy("m"), 600.0),
        (ModelPolicy("m", keep_alive_s=0.0), 0.0),
        (ModelPolicy("m", keep_alive_s=5.0), 5.0),
        (ModelPolicy("m", keep_alive_s=-1.0), None),
        (ModelPolicy("m", pinned=True, keep_alive_s=5.0), None),
    ],
)
def test_how_long_a_model_may_be_unused(policy: ModelPolicy, limit_s: float | None) -> None:
    assert policy.idle_limit_s(600.0) == limit_s


def test_policies_are_read_as_they_were_written_and_others_passed_over() -> None:
    policy = ModelPolicy("m", pinned=True, keep_alive_s=1.5)
    assert decode_policies([encode_policy(policy), b"{", b'{"pinned": 7}']) == {"m": policy}
