import pytest

from gateway.bodies import Body
from gateway.upstream.base import UpstreamFailedError
from gateway.upstream.memory import MemoryUpstream
from tests.unit.gateway.fleet import answering


async def test_what_was_sent_can_be_looked_at() -> None:
    upstream = MemoryUpstream({"http://i1": answering(b"{}")})
    answer = await upstream.send(
        "http://i1", "POST", "/predict?a=b", [("accept", "*/*")], Body(b"body", None, 4)
    )
    assert await answer.read() == b"{}"
    (sent,) = upstream.sent
    assert (sent.method, sent.target, sent.body) == ("POST", "/predict?a=b", b"body")
    assert sent.headers == {"accept": "*/*"}


async def test_nobody_answers_after_closing() -> None:
    upstream = MemoryUpstream({"http://i1": answering()})
    await upstream.close()
    with pytest.raises(UpstreamFailedError):
        await upstream.send("http://i1", "GET", "/", [], None)
