from pathlib import Path

import orjson
import pytest

from fleetserve.errors import BadRequestError, ForbiddenError, NotFoundError
from gateway.log_folder import LineFilter, LogFolder

EVERYTHING = LineFilter()


def write(folder: Path, name: str, *entries: dict[str, object]) -> Path:
    path = folder / name
    path.write_bytes(b"".join(orjson.dumps(entry) + b"\n" for entry in entries))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> LogFolder:
    write(
        tmp_path,
        "inference-svc-1.jsonl",
        {"level": "info", "event": "a", "request_id": "r1"},
        {"level": "warning", "event": "b", "request_id": "r2"},
        {"level": "error", "event": "c", "request_id": "r1"},
    )
    return LogFolder(tmp_path)


def events(lines: list[bytes]) -> list[str]:
    return [orjson.loads(line)["event"] for line in lines]


def test_files_are_listed_with_service_size_and_lines(folder: LogFolder, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a log")
    (info,) = folder.files()
    assert (info.name, info.service, info.line_count) == (
        "inference-svc-1.jsonl",
        "inference-svc",
        3,
    )
    assert info.size_bytes == (tmp_path / info.name).stat().st_size


def test_line_count_follows_the_file(folder: LogFolder, tmp_path: Path) -> None:
    assert folder.info("inference-svc-1.jsonl").line_count == 3
    with (tmp_path / "inference-svc-1.jsonl").open("ab") as file:
        file.write(b'{"event":"d"}\n')
    assert folder.info("inference-svc-1.jsonl").line_count == 4


@pytest.mark.parametrize(
    ("count", "from_end", "expected"),
    [(2, True, ["b", "c"]), (2, False, ["a", "b"]), (9, True, ["a", "b", "c"])],
)
def test_lines_keep_the_files_order(
    folder: LogFolder, count: int, from_end: bool, expected: list[str]
) -> None:
    found = folder.lines("inference-svc-1.jsonl", count, EVERYTHING, from_end=from_end)
    assert events(found) == expected


def test_lines_longer_than_a_block_are_whole(tmp_path: Path) -> None:
    lines = [b"x" * 70_000, b"y" * 200_000, b"z"]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    folder = LogFolder(tmp_path)
    assert folder.lines("a.jsonl", 5, EVERYTHING, from_end=True) == lines


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (LineFilter(level="warning"), ["b", "c"]),
        (LineFilter(level="error"), ["c"]),
        (LineFilter(request_id="r1"), ["a", "c"]),
        (LineFilter(level="error", request_id="r2"), []),
    ],
)
def test_filter_picks_level_and_request(
    folder: LogFolder, wanted: LineFilter, expected: list[str]
) -> None:
    found = folder.lines("inference-svc-1.jsonl", 10, wanted, from_end=True)
    assert events(found) == expected


@pytest.mark.parametrize("name", ["../secrets.jsonl", "a/b.jsonl", ".x.jsonl", "x.txt", "", "a.sh"])
def test_name_that_is_no_log_file_is_refused(folder: LogFolder, name: str) -> None:
    with pytest.raises(BadRequestError):
        folder.info(name)


def test_missing_file_is_not_found(folder: LogFolder) -> None:
    with pytest.raises(NotFoundError):
        folder.info("gateway-1.jsonl")


def test_link_out_of_the_folder_is_not_followed(folder: LogFolder, tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to("/etc/hostname")
    with pytest.raises(NotFoundError):
        folder.lines("link.jsonl", 1, EVERYTHING, from_end=True)


def test_cleared_file_is_empty_and_its_writer_goes_on(folder: LogFolder, tmp_path: Path) -> None:
    with (tmp_path / "inference-svc-1.jsonl").open("ab", buffering=0) as writer:
        assert folder.truncate("inference-svc-1.jsonl") > 0
        writer.write(b'{"event":"later"}\n')
    found = folder.lines("inference-svc-1.jsonl", 10, EVERYTHING, from_end=True)
    assert events(found) == ["later"]


@pytest.mark.parametrize("name", ["audit.jsonl", "audit.jsonl.1"])
def test_audit_log_is_kept(folder: LogFolder, tmp_path: Path, name: str) -> None:
    write(tmp_path, name, {"event": "log.cleared"})
    with pytest.raises(ForbiddenError):
        folder.truncate(name)
    assert folder.info(name).line_count == 1


def test_follower_gives_whole_new_lines_once(folder: LogFolder, tmp_path: Path) -> None:
    news = folder.follower("inference-svc-1.jsonl", EVERYTHING)
    assert news() == []
    with (tmp_path / "inference-svc-1.jsonl").open("ab", buffering=0) as writer:
        writer.write(b'{"event":"d"}\n{"eve')
        assert events(news()) == ["d"]
        writer.write(b'nt":"e"}\n')
        assert events(news()) == ["e"]
    assert news() == []


def test_follower_begins_anew_after_a_truncation(folder: LogFolder, tmp_path: Path) -> None:
    news = folder.follower("inference-svc-1.jsonl", EVERYTHING)
    folder.truncate("inference-svc-1.jsonl")
    write(tmp_path, "inference-svc-1.jsonl", {"event": "new"})
    assert events(news()) == ["new"]
