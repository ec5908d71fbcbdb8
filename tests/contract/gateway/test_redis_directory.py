"""What can go wrong with Redis alone."""

import asyncio
from time import monotonic

import pytest

from fleetserve.announcements import TTL_S, Announcement, ReplicaState, encode_announcement
from fleetserve.model_records import ModelRecord, ModelState, encode_record
from gateway.directory.redis import RESCAN_S
from gateway.replica_table import STALE_S
from tests.contract.gateway.tellers import GATEWAY, KEYS, RedisTeller, until
from tests.redis_server import RedisServer

SERVICE = "inference-svc"
ALIVE = Announcement(SERVICE, "i1", "http://i1", "b1", ReplicaState.READY)
MODEL = ModelRecord("m", "feature-extraction", ModelState.READY)


def knows(teller: RedisTeller, name: str) -> bool:
    return any(record.name == name for record in teller.models.records())


async def test_what_stood_there_before_is_known_at_the_start(redis_server: RedisServer) -> None:
    first = RedisTeller(redis_server)
    await until(lambda: not first.directory.away_reason)
    await first.announce(ALIVE)
    await first.write(MODEL)
    await first.close()
    second = RedisTeller(redis_server)
    await until(lambda: not second.directory.away_reason)
    assert len(second.table.ready(SERVICE)) == 1
    assert knows(second, "m")
    await second.close()


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b'{"service":3}', b"[]"])
async def test_what_cannot_be_read_does_not_make_it_deaf(
    redis_teller: RedisTeller, raw: bytes
) -> None:
    client = redis_teller.client
    await client.publish(KEYS.announcements_channel, raw)
    await client.publish(KEYS.models_channel, raw)
    await redis_teller.announce(ALIVE)
    await redis_teller.record(MODEL)
    await until(lambda: knows(redis_teller, "m") and bool(redis_teller.table.ready(SERVICE)))
    assert not redis_teller.table.frozen


async def test_what_cannot_be_read_at_the_start_is_passed_over(redis_server: RedisServer) -> None:
    first = RedisTeller(redis_server)
    await first.client.hset(KEYS.models, "broken", b"{")
    await first.client.set(KEYS.announcement(SERVICE, "broken"), b"\xff")
    await first.announce(ALIVE)
    await first.write(MODEL)
    await first.close()
    second = RedisTeller(redis_server)
    await until(lambda: not second.directory.away_reason)
    assert [r.id for r in second.table.ready(SERVICE)] == ["i1"]
    assert knows(second, "m")
    await second.close()


async def test_hung_redis_freezes_the_table_before_anyone_is_too_old(
    redis_teller: RedisTeller,
) -> None:
    await redis_teller.announce(ALIVE)
    await until(lambda: bool(redis_teller.table.ready(SERVICE)))
    redis_teller.server.hang()
    begin_s = monotonic()
    while not redis_teller.table.frozen:
        assert redis_teller.table.ready(SERVICE), "it was too old before the table was frozen"
        await asyncio.sleep(0.005)
    # The last word may be a second older than the silence.
    assert monotonic() - begin_s < STALE_S - 1.0 + 0.2
    assert "Redis" in redis_teller.directory.away_reason
    redis_teller.server.resume()
    await until(lambda: not redis_teller.directory.away_reason)


async def test_hung_redis_leaves_everybody_in_the_table_until_they_speak_again(
    redis_teller: RedisTeller,
) -> None:
    await redis_teller.announce(ALIVE)
    await until(lambda: bool(redis_teller.table.ready(SERVICE)))
    redis_teller.server.hang()
    await until(lambda: redis_teller.table.frozen)
    redis_teller.clock.ahead_s += 60.0
    assert redis_teller.table.ready(SERVICE)
    redis_teller.server.resume()
    await until(lambda: not redis_teller.table.frozen)
    assert redis_teller.table.ready(SERVICE)
    redis_teller.clock.ahead_s += TTL_S + 0.1
    assert not redis_teller.table.ready(SERVICE)


async def test_redis_that_comes_back_empty_does_not_forget_the_models(
    redis_teller: RedisTeller,
) -> None:
    await redis_teller.record(MODEL)
    await until(lambda: knows(redis_teller, "m"))
    redis_teller.server.stop()
    await until(lambda: redis_teller.table.frozen)
    redis_teller.server.start()
    await until(lambda: not redis_teller.directory.away_reason)
    assert knows(redis_teller, "m")


async def test_record_whose_message_was_lost_is_found_by_the_next_scan(
    redis_teller: RedisTeller,
) -> None:
    await redis_teller.write(MODEL)
    redis_teller.clock.ahead_s += RESCAN_S + 0.1
    await until(lambda: knows(redis_teller, "m"))


async def test_scan_does_not_bring_the_dead_back(redis_teller: RedisTeller) -> None:
    await redis_teller.announce(ALIVE)
    await until(lambda: bool(redis_teller.table.ready(SERVICE)))
    await redis_teller.write(MODEL)
    redis_teller.clock.ahead_s += RESCAN_S + 0.1
    await until(lambda: knows(redis_teller, "m"))
    assert not redis_teller.table.ready(SERVICE)


async def test_another_fleet_in_the_same_redis_is_not_heard(redis_teller: RedisTeller) -> None:
    other = "fleet-b"
    client = redis_teller.client
    stranger = Announcement(SERVICE, "x1", "http://x1", "b", ReplicaState.READY)
    await client.set(f"{other}:announcement:{SERVICE}:x1", encode_announcement(stranger))
    await client.publish(f"{other}:announcements", encode_announcement(stranger))
    await client.publish(f"{other}:models:changed", encode_record(MODEL))
    await redis_teller.announce(ALIVE)
    await until(lambda: bool(redis_teller.table.ready(SERVICE)))
    assert {r.id for r in redis_teller.table.all()} == {"i1", GATEWAY.replica_id}
    assert not knows(redis_teller, "m")


async def test_start_without_redis_is_told_and_made_up_for(redis_server: RedisServer) -> None:
    redis_server.stop()
    teller = RedisTeller(redis_server)
    await until(lambda: teller.table.frozen)
    assert teller.directory.away_reason
    redis_server.start()
    await until(lambda: not teller.directory.away_reason)
    await teller.announce(ALIVE)
    await until(lambda: bool(teller.table.ready(SERVICE)))
    await teller.close()


async def test_cancelling_ends_it(redis_teller: RedisTeller) -> None:
    async with asyncio.timeout(2.0):
        await redis_teller.close()
