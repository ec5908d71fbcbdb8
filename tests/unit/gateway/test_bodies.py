from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetserve.asgi import ClientGoneError, Message
from fleetserve.errors import (
    BadRequestError,
    DoesNotFitError,
    FleetError,
    PayloadTooLargeError,
    ShedError,
)
from gateway.bodies import Body, BodyStore


def receiving(*pieces: bytes, breaks: bool = False) -> Callable[[], Awaitable[Message]]:
    left = list(pieces)

    async def receive() -> Message:
        if not left:
            return {"type": "http.disconnect"}
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left) or breaks}

    return receive


def declaring(size: object) -> dict[bytes, bytes]:
    return {b"content-length": str(size).encode()}


@pytest.fixture
def store(tmp_path: Path) -> BodyStore:
    return BodyStore(tmp_path / "spool", max_body=1000, spool_above=100, max_total=1500)


async def test_small_body_is_kept_in_memory(store: BodyStore) -> None:
    body = await store.read({}, receiving(b"abc"))
    assert (body.view(), body.file, body.size) == (b"abc", None, 3)
    assert body.view() == b"abc"
    assert store.held_bytes == 3


async def test_body_in_pieces_is_put_together(store: BodyStore) -> None:
    body = await store.read({}, receiving(b"ab", b"", b"c"))
    assert body.view() == b"abc"


async def test_body_of_nothing_is_a_body(store: BodyStore) -> None:
    body = await store.read({}, receiving(b""))
    assert (body.size, body.view()) == (0, b"")


@pytest.mark.parametrize("pieces", [[b"x" * 101], [b"x" * 60, b"y" * 60], [b"x" * 50] * 20])
async def test_large_body_goes_to_a_file_that_can_be_read_again(
    store: BodyStore, pieces: list[bytes]
) -> None:
    content = b"".join(pieces)
    body = await store.read(declaring(len(content)), receiving(*pieces))
    assert (body.data, body.parts) == (None, [])
    assert body.file is not None
    assert bytes(body.view()) == bytes(body.view()) == content
    body.file.seek(0)
    assert body.file.read() == content
    store.release(body)
    assert body.file.closed


@pytest.mark.parametrize("pieces", [[b"a" * 101], [b"a" * 60, b"a" * 60, b"a" * 60]])
async def test_full_disk_is_told_and_nothing_stays_counted(
    store: BodyStore, monkeypatch: pytest.MonkeyPatch, pieces: list[bytes]
) -> None:
    monkeypatch.setattr(store, "open_spool", lambda: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
    with pytest.raises(DoesNotFitError, match="FLEETSERVE_CACHE_DIR") as told:
        await store.read({}, receiving(*pieces))
    assert told.value.code == "no_disk_room"
    assert store.held_bytes == 0


async def test_spooled_file_has_no_name(store: BodyStore, tmp_path: Path) -> None:
    body = await store.read({}, receiving(b"x" * 500))
    assert list((tmp_path / "spool").iterdir()) == []
    store.release(body)


@pytest.mark.parametrize("pieces", [[b"x" * 1001], [b"x" * 600] * 2, [b"x" * 90] * 12])
async def test_body_over_the_limit_is_refused_and_nothing_of_it_kept(
    store: BodyStore, pieces: list[bytes]
) -> None:
    with pytest.raises(PayloadTooLargeError, match="MAX_FILE_MB"):
        await store.read({}, receiving(*pieces))
    assert store.held_bytes == 0


async def test_declared_length_over_the_limit_is_refused_unread(store: BodyStore) -> None:
    async def receive() -> Message:
        raise AssertionError("the body was asked for")

    with pytest.raises(PayloadTooLargeError):
        await store.read(declaring(1001), receive)


@pytest.mark.parametrize("declared", ["-1", "ten", "1.5", ""])
async def test_length_that_is_no_number_is_a_bad_request(store: BodyStore, declared: str) -> None:
    with pytest.raises(BadRequestError):
        await store.read(declaring(declared), receiving(b""))


@pytest.mark.parametrize("headers", [{}, declaring(600)])
async def test_bodies_over_the_bound_of_all_are_shed(
    store: BodyStore, headers: dict[bytes, bytes]
) -> None:
    held = [await store.read({}, receiving(b"x" * 500)) for _ in range(2)]
    with pytest.raises(ShedError):
        await store.read(headers, receiving(b"x" * 300, b"x" * 300))
    assert store.held_bytes == 1000
    for body in held:
        store.release(body)
    assert store.held_bytes == 0
    store.release(await store.read(headers, receiving(b"x" * 300, b"x" * 300)))


async def test_many_small_bodies_are_bounded_too(tmp_path: Path) -> None:
    store = BodyStore(tmp_path, max_body=100, spool_above=100, max_total=100)
    await store.read({}, receiving(b"x" * 60))
    with pytest.raises(ShedError):
        await store.read({}, receiving(b"x" * 60))


@pytest.mark.parametrize("pieces", [[], [b"x"], [b"x" * 500, b"y"]])
async def test_client_that_left_in_the_middle_leaves_nothing(
    store: BodyStore, pieces: list[bytes]
) -> None:
    with pytest.raises(ClientGoneError):
        await store.read({}, receiving(*pieces, breaks=True))
    assert store.held_bytes == 0


@given(pieces=st.lists(st.binary(max_size=400), min_size=1, max_size=6))
def test_bytes_held_are_those_of_the_bodies_held(pieces: list[bytes]) -> None:
    # No piece goes to a file here, so that nothing waits for a thread.
    store = BodyStore(Path(), max_body=1000, spool_above=2000, max_total=1500)
    try:
        store.read({}, receiving(*pieces)).send(None)
    except StopIteration as end:
        body: Body = end.value
        assert body.view() == b"".join(pieces)
        assert store.held_bytes == body.size <= 1000
        store.release(body)
    except FleetError:
        assert sum(map(len, pieces)) > 1000
    assert store.held_bytes == 0
