import msgspec
import pytest

from fleetserve.model_records import (
    ModelRecord,
    ModelState,
    canonical_name,
    decode_record,
    encode_record,
)


def test_record_survives_the_wire() -> None:
    record = ModelRecord(
        "m", "tensor", ModelState.DOWNLOADING, progress=0.4, download_id="d", input_rank=2
    )
    assert decode_record(encode_record(record)) == record


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"name":"m","task":"t","state":"asleep"}'])
def test_what_is_no_record_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_record(raw)


@pytest.mark.parametrize(
    ("name", "same"),
    [("whisper_base", "whisper-base"), ("Whisper-Base", "whisper_base"), ("a", "A")],
)
def test_spellings_of_one_name_compare_equal(name: str, same: str) -> None:
    assert canonical_name(name) == canonical_name(same)


def test_other_names_stay_others() -> None:
    assert canonical_name("whisper-base") != canonical_name("whisper-base.en")
