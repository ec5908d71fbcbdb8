import msgspec
import pytest
import redis

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.manifest import Manifest
from fleetserve.model_records import ModelRecord, ModelState, decode_record
from model_registry_svc.records import RecordBook, ready_record
from tests.redis_server import RedisServer

RECORD = ModelRecord("whisper_base", "automatic-speech-recognition", ModelState.READY, "rev")


def test_record_is_stored_and_told_to_who_listens(
    records: RecordBook, client: redis.Redis, keys: Keys
) -> None:
    with client.pubsub() as listener:  # type: ignore[no-untyped-call]
        listener.subscribe(keys.models_channel)
        listener.get_message(timeout=5)
        assert records.put(RECORD)
        message = listener.get_message(timeout=5)
    assert message is not None
    assert decode_record(message["data"]) == RECORD
    assert records.all() == [RECORD]


def test_removal_is_told_as_deleted(records: RecordBook, client: redis.Redis, keys: Keys) -> None:
    records.put(RECORD)
    with client.pubsub() as listener:  # type: ignore[no-untyped-call]
        listener.subscribe(keys.models_channel)
        listener.get_message(timeout=5)
        assert records.remove(RECORD.name)
        message = listener.get_message(timeout=5)
    assert message is not None
    assert decode_record(message["data"]).state is ModelState.DELETED
    assert records.all() == []


def test_two_spellings_find_one_record(records: RecordBook) -> None:
    records.put(RECORD)
    assert records.find("Whisper-Base") == RECORD
    assert records.find("whisper") is None


def test_while_redis_is_away_telling_fails_softly_and_asking_says_so(
    records: RecordBook, redis_server: RedisServer
) -> None:
    redis_server.stop()
    assert not records.put(RECORD)
    assert not records.remove(RECORD.name)
    with pytest.raises(UnavailableError, match="Redis"):
        records.all()


def test_record_of_a_manifest_repeats_it() -> None:
    manifest = Manifest(
        "m",
        "url",
        "http://x/m.pt2",
        "rev",
        "tensor",
        (),
        7,
        0.0,
        input_rank=2,
        warnings=("w",),
        two_stage_voice=True,
    )
    record = ready_record(manifest, "dl-1")
    assert msgspec.structs.asdict(record) == {
        "name": "m",
        "task": "tensor",
        "state": ModelState.READY,
        "revision": "rev",
        "progress": 1.0,
        "message": "w",
        "download_id": "dl-1",
        "source": "url",
        "model_id": "http://x/m.pt2",
        "size_bytes": 7,
        "input_rank": 2,
        "created_at": 0.0,
        "two_stage_voice": True,
    }
