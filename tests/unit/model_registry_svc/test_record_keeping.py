from pathlib import Path

from fleetserve.manifest import Manifest, publish_manifest
from fleetserve.model_records import ModelRecord, ModelState
from model_registry_svc.library import Library
from model_registry_svc.record_keeping import correct, keep_records
from model_registry_svc.records import RecordBook, ready_record

MANIFEST = Manifest("m", "huggingface", "org/m", "rev", "fill-mask", (), 5, 0.0)
READY = ready_record(MANIFEST, "dl-1")


def downloading(name: str = "m") -> ModelRecord:
    return ModelRecord(name, "fill-mask", ModelState.DOWNLOADING, download_id="dl-2")


def never(_: str) -> bool:
    return False


def test_records_that_agree_with_the_disk_are_left_alone() -> None:
    done = correct([READY], [MANIFEST], never)
    assert (done.put, done.remove) == ((), ())


def test_model_on_disk_that_nobody_was_told_of_is_told() -> None:
    assert correct([], [MANIFEST], never).put == (ready_record(MANIFEST),)


def test_model_that_has_come_is_ready_whatever_its_record_says() -> None:
    (record,) = correct([downloading()], [MANIFEST], never).put
    assert (record.state, record.download_id) == (ModelState.READY, "dl-2")


def test_ready_model_that_is_not_on_disk_is_taken_away() -> None:
    assert correct([READY], [], never).remove == ("m",)


def test_download_that_goes_on_is_left_alone() -> None:
    done = correct([downloading()], [], lambda download_id: download_id == "dl-2")
    assert (done.put, done.remove) == ((), ())


def test_download_that_nobody_knows_of_has_failed() -> None:
    (record,) = correct([downloading()], [], never).put
    assert record.state is ModelState.FAILED
    assert "post it again" in record.message


def test_failed_download_stays_to_be_seen() -> None:
    failed = ModelRecord("x", "fill-mask", ModelState.FAILED)
    done = correct([failed], [], never)
    assert (done.put, done.remove) == ((), ())


def test_emptied_redis_is_filled_from_the_disk(records: RecordBook, tmp_path: Path) -> None:
    publish_manifest(tmp_path, MANIFEST)
    records.put(ModelRecord("gone", "fill-mask", ModelState.READY))
    keep_records(records, Library(tmp_path), never)
    assert records.all() == [ready_record(MANIFEST)]
