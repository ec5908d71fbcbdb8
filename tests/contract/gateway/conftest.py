from collections.abc import AsyncIterator

import pytest

from tests.contract.gateway.tellers import RedisTeller, until
from tests.redis_server import RedisServer


@pytest.fixture
async def redis_teller(redis_server: RedisServer) -> AsyncIterator[RedisTeller]:
    """A Redis directory that has heard its Redis."""
    teller = RedisTeller(redis_server)
    await until(lambda: not teller.directory.away_reason)
    yield teller
    await teller.close()
