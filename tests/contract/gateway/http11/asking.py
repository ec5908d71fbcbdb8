"""A server that always says the same, and a client that asks once."""

from gateway.upstream.http11 import Http11Upstream
from tests.contract.gateway.scripted_server import Script, ScriptedServer, ServerExchange

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def saying(*pieces: bytes) -> Script:
    async def script(exchange: ServerExchange) -> None:
        await exchange.send(*pieces)

    return script


async def get(upstream: Http11Upstream, server: ScriptedServer, method: str = "GET") -> bytes:
    """One whole exchange."""
    answer = await upstream.send(server.address, method, "/", [], None)
    content = await answer.read()
    answer.close()
    return content
