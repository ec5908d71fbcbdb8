from gateway.bodies import Body
from gateway.exchange import Exchange, passed_on
from tests.unit.gateway.fleet import Fleet


def test_only_the_named_headers_are_passed_on() -> None:
    sent = {b"accept": b"audio/*", b"x-fleet-token": b"forged", b"cookie": b"a=b"}
    assert passed_on(sent, (b"content-type", b"accept")) == [("accept", "audio/*")]


def test_header_bytes_survive() -> None:
    (header,) = passed_on({b"accept": b"\xe4/\xff"}, (b"accept",))
    assert header[1].encode("latin-1") == b"\xe4/\xff"


def test_exchange_with_a_control_service_has_no_model_and_no_size() -> None:
    exchange = Exchange("GET", "/models", "model-registry-svc", None, None, [], 0.0)
    assert (exchange.model_name, exchange.size) == ("", 0)


async def test_exchange_knows_its_model_and_size(fleet: Fleet) -> None:
    exchange = fleet.exchange(body=b"123")
    exchange.body = Body(b"123", None, 3)
    assert (exchange.model_name, exchange.size) == ("example", 3)
