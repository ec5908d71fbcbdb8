from gateway.upstream.http11 import LazyPool


async def test_pool_is_made_at_its_first_use_and_is_one() -> None:
    lazy = LazyPool()
    await lazy.close()
    pool = lazy()
    assert lazy() is pool
    await lazy.close()
