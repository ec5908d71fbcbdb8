import msgspec
import pytest

from fleetserve.demand import Demand, ModelDemand, decode_demand, encode_demand
from fleetserve.keys import Keys


def test_what_is_told_is_read_as_it_was() -> None:
    demand = Demand("g1", {"m": ModelDemand("audio-svc", 1.5, 2)})
    assert decode_demand(encode_demand(demand)) == demand


def test_anything_else_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_demand(b'{"gateway": 1}')


def test_each_gateway_has_its_key() -> None:
    assert Keys("a").demand("g1") == "a:demand:g1"
