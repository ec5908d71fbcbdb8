from pathlib import Path

import pytest

from fleetserve.asgi import ClientGoneError
from fleetserve.errors import PayloadTooLargeError
from fleetserve.replica.spool import Spool
from fleetserve.spooled_file import SpooledFile
from tests.unit.fleetserve.test_asgi import chunks, receiving


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, 10)


@pytest.mark.parametrize("parts", [(b"",), (b"0123456789",), (b"01234", b"", b"56789")])
async def test_small_body_stays_in_memory(spool: Spool, parts: tuple[bytes, ...]) -> None:
    assert await spool.read(receiving(chunks(*parts)), 100) == b"".join(parts)


@pytest.mark.parametrize(
    "parts", [(b"01234567890",), (b"0123456789",) * 9, (bytes(3_000_000),) * 2]
)
async def test_large_body_is_a_file(spool: Spool, parts: tuple[bytes, ...]) -> None:
    body = await spool.read(receiving(chunks(*parts)), 10_000_000)
    assert isinstance(body, SpooledFile)
    assert body.open().read() == b"".join(parts)


async def test_body_over_the_limit_is_refused_as_soon_as_it_is(spool: Spool) -> None:
    endless = ({"type": "http.request", "body": b"x" * 9, "more_body": True} for _ in iter(int, 1))
    with pytest.raises(PayloadTooLargeError):
        await spool.read(receiving(endless), 25)


async def test_body_that_breaks_off_is_a_client_that_left(spool: Spool) -> None:
    before = chunks(b"0123456789", b"1", b"2")[:2]
    with pytest.raises(ClientGoneError):
        await spool.read(receiving([*before, {"type": "http.disconnect"}]), 100)
