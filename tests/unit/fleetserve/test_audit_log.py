from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from fleetserve.audit_log import AuditLog
from fleetserve.clock import ManualClock


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[AuditLog]:
    log = AuditLog(tmp_path, ManualClock(1_700_000_000.0))
    yield log
    log.close()


def test_act_is_one_line_with_who_what_and_when(audit: AuditLog, tmp_path: Path) -> None:
    audit.write("log.cleared", principal="ada", request_id="r1", file="gateway-1.jsonl")
    assert orjson.loads((tmp_path / "audit.jsonl").read_bytes()) == {
        "ts": "2023-11-14T22:13:20.000+00:00",
        "level": "info",
        "event": "log.cleared",
        "principal": "ada",
        "request_id": "r1",
        "file": "gateway-1.jsonl",
    }


def test_nobody_is_named_anonymous(audit: AuditLog, tmp_path: Path) -> None:
    audit.write("log.cleared", principal="", request_id="r1")
    assert orjson.loads((tmp_path / "audit.jsonl").read_bytes())["principal"] == "anonymous"
