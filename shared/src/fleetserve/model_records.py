"""What the registry tells the fleet about a model, by Redis hash and pub/sub."""

from enum import StrEnum

import msgspec


class ModelState(StrEnum):
    DOWNLOADING = "downloading"
    READY = "ready"
    FAILED = "failed"
    DELETED = "deleted"


class ModelRecord(msgspec.Struct, frozen=True):
    """One model as gateways see it; ``progress`` is 0 to 1, ``message`` says the phase or fault.

    ``created_at`` is when it was published (seconds of the epoch); 0: not yet.
    ``two_stage_voice``: as in the manifest.
    """

    name: str
    task: str
    state: ModelState
    revision: str = ""
    progress: float = 0.0
    message: str = ""
    download_id: str = ""
    source: str = ""
    model_id: str = ""
    size_bytes: int = 0
    input_rank: int | None = None
    created_at: float = 0.0
    two_stage_voice: bool = False


_decode = msgspec.json.Decoder(ModelRecord).decode


def encode_record(record: ModelRecord) -> bytes:
    return msgspec.json.encode(record)


def decode_record(raw: bytes | str) -> ModelRecord:
    return _decode(raw)


def canonical_name(name: str) -> str:
    """``whisper_base`` and ``whisper-base`` are one name; only for comparing, never for paths."""
    return name.lower().replace("_", "-")
