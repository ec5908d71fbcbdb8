import redis

from fleetserve.dashboard.view import Table
from fleetserve.keys import Keys
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.dashboard import tables
from model_registry_svc.records import RecordBook
from model_registry_svc.worker_presence import WorkerPresence, WorkerReport
from tests.redis_server import RedisServer


async def made(client: redis.Redis, keys: Keys) -> tuple[Table, Table]:
    models, workers = tables(RecordBook(client, keys), WorkerPresence(client, keys))
    return await models(), await workers()


async def test_downloads_come_first_with_their_progress(client: redis.Redis, keys: Keys) -> None:
    book = RecordBook(client, keys)
    book.put(ModelRecord("a", "text-to-speech", ModelState.READY, "r" * 40, size_bytes=3 << 20))
    book.put(
        ModelRecord(
            "b",
            "",
            ModelState.DOWNLOADING,
            progress=0.4,
            message="downloading",
            source="huggingface",
            model_id="o/b",
        )
    )
    models, _ = await made(client, keys)
    assert models.rows == [
        ["b", "", {"progress": 0.4}, 0.0, None, "huggingface: o/b", "downloading"],
        ["a", "text-to-speech", "ready", 3.0, "r" * 12, None, None],
    ]


async def test_workers_are_shown_or_missed(client: redis.Redis, keys: Keys) -> None:
    _, workers = await made(client, keys)
    assert (workers.rows, workers.empty[:9]) == ([], "No worker")
    WorkerPresence(client, keys).announce("w1", WorkerReport(2, 12_340_000.0))
    _, workers = await made(client, keys)
    assert workers.rows == [["w1", 2, 12.3]]


async def test_page_is_there_while_redis_is_away(
    client: redis.Redis, keys: Keys, redis_server: RedisServer
) -> None:
    redis_server.stop()
    models, workers = await made(client, keys)
    assert (models.rows, workers.rows) == ([], [])
    assert "Redis" in models.empty
    assert "Redis" in workers.empty
