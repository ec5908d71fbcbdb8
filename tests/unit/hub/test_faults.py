import threading
import time
from pathlib import Path

import httpx
import pytest
from huggingface_hub import hf_hub_download

from tests.hub import Fault, FaultKind, HubServer
from tests.unit.hub.conftest import MODEL, WEIGHTS

ADDRESS = f"/{MODEL}/resolve/main/model.safetensors"


def read_until_broken(client: httpx.Client, headers: dict[str, str] | None = None) -> bytes:
    got = bytearray()
    with client.stream("GET", ADDRESS, headers=headers) as answer:
        try:
            for piece in answer.iter_raw():
                got += piece
        except httpx.RemoteProtocolError:
            pass
    return bytes(got)


def test_cut_delivers_exactly_so_many_bytes_and_a_resume_fetches_none_twice(
    hub: HubServer, client: httpx.Client
) -> None:
    hub.fail(Fault(kind=FaultKind.CUT, path="*.safetensors", after_bytes=123_457))
    first = read_until_broken(client)
    assert first == WEIGHTS[:123_457]
    rest = read_until_broken(client, {"Range": f"bytes={len(first)}-"})
    assert first + rest == WEIGHTS
    assert hub.log.bytes_sent("model.safetensors") == len(WEIGHTS)
    assert hub.log.bytes_sent_twice("model.safetensors") == 0
    assert [r.complete for r in hub.log.bodies("model.safetensors")] == [False, True]


def test_the_real_client_survives_cuts(hub: HubServer, tmp_path: Path) -> None:
    hub.fail(Fault(kind=FaultKind.CUT, path="*.safetensors", after_bytes=100_000, times=2))
    path = hf_hub_download(MODEL, "model.safetensors", cache_dir=tmp_path, endpoint=hub.url)
    assert Path(path).read_bytes() == WEIGHTS


def test_stall_ends_when_faults_are_cleared(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.STALL, path="*.safetensors", after_bytes=70_000))
    with client.stream("GET", ADDRESS) as answer:
        pieces = answer.iter_raw(1000)
        got = b"".join(next(pieces) for _ in range(70))
        assert got == WEIGHTS[:70_000]
        hub.faults.clear()
        assert got + b"".join(pieces) == WEIGHTS


def test_stall_outlasts_the_clients_patience(hub: HubServer) -> None:
    hub.fail(Fault(kind=FaultKind.STALL, path="*.safetensors"))
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{hub.url}{ADDRESS}", timeout=0.2, follow_redirects=True)


def test_server_stops_at_once_with_a_stalled_client(hub: HubServer) -> None:
    hub.fail(Fault(kind=FaultKind.STALL, path="*.safetensors"))
    with (
        httpx.Client(base_url=hub.url, follow_redirects=True) as client,
        client.stream("GET", ADDRESS),
    ):
        began = time.monotonic()
        hub.stop()
        assert time.monotonic() - began < 2


def test_slow_body_takes_its_time(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.SLOW, path="*.safetensors", bytes_per_s=len(WEIGHTS) * 4))
    began = time.monotonic()
    assert client.get(ADDRESS).content == WEIGHTS
    assert 0.2 < time.monotonic() - began < 1.5


@pytest.mark.parametrize(("status", "retry_after_s"), [(429, 7), (503, None), (403, None)])
def test_status_fault_replaces_the_answer_so_many_times(
    hub: HubServer, client: httpx.Client, status: int, retry_after_s: int | None
) -> None:
    fault = Fault(kind=FaultKind.STATUS, status=status, retry_after_s=retry_after_s, times=2)
    hub.fail(fault)
    answers = [client.get(f"/{MODEL}/resolve/main/config.json") for _ in range(3)]
    assert [a.status_code for a in answers] == [status, status, 200]
    assert answers[0].headers.get("Retry-After") == (str(retry_after_s) if retry_after_s else None)


def test_fault_of_the_api_leaves_downloads_alone(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.STATUS, where="api", times=None))
    assert client.get(f"/api/models/{MODEL}").status_code == 503
    assert client.get(f"/{MODEL}/resolve/main/config.json").status_code == 200


def test_wrong_length_declares_more_than_comes(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.WRONG_LENGTH, path="*.safetensors", length_delta=10))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(ADDRESS)


def test_wrong_length_declares_less(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.WRONG_LENGTH, path="*.safetensors", length_delta=-10))
    assert client.get(ADDRESS).content == WEIGHTS[:-10]


def test_truncated_answer_looks_whole(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.TRUNCATE, path="*.safetensors", after_bytes=1000))
    answer = client.get(ADDRESS)
    assert answer.content == WEIGHTS[:1000]
    assert answer.headers["Content-Length"] == "1000"


def test_corrupt_changes_one_byte(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.CORRUPT, path=f"{MODEL}/model.safetensors", after_bytes=70_001))
    tail = client.get(ADDRESS, headers={"Range": "bytes=80000-"})
    assert tail.content == WEIGHTS[80000:]
    got = client.get(ADDRESS).content
    assert [i for i in range(len(WEIGHTS)) if got[i] != WEIGHTS[i]] == [70_001]
    assert client.get(ADDRESS).content == WEIGHTS


def test_new_commit_midway_changes_main_and_keeps_the_old_version(
    hub: HubServer, client: httpx.Client
) -> None:
    repo = hub.repos()[0]
    old, etag = repo.sha, repo.commit("main").files["model.safetensors"].etag
    hub.fail(Fault(kind=FaultKind.NEW_COMMIT, path="*.safetensors", after_bytes=5000))
    first = read_until_broken(client)
    assert first == WEIGHTS[:5000]
    assert repo.sha != old
    headers = {"Range": "bytes=5000-", "If-Match": f'"{etag}"'}
    assert client.get(ADDRESS, headers=headers).status_code == 412
    pinned = ADDRESS.replace("/main/", f"/{old}/")
    assert first + client.get(pinned, headers=headers).content == WEIGHTS


def test_two_faults_meet_one_answer(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.SLOW, path="*.safetensors", bytes_per_s=400_000))
    hub.fail(Fault(kind=FaultKind.CUT, path="*.safetensors", after_bytes=40_000))
    assert len(read_until_broken(client)) == 40_000


def test_used_up_faults_are_no_longer_listed(hub: HubServer, client: httpx.Client) -> None:
    hub.fail(Fault(kind=FaultKind.STATUS))
    assert len(hub.faults.all()) == 1
    client.get(f"/api/models/{MODEL}")
    assert hub.faults.all() == []


def test_faults_may_be_set_while_answers_run(hub: HubServer, client: httpx.Client) -> None:
    setters = [
        threading.Thread(target=hub.fail, args=(Fault(kind=FaultKind.STATUS, path="none"),))
        for _ in range(8)
    ]
    for thread in setters:
        thread.start()
    assert client.get(ADDRESS).content == WEIGHTS
    for thread in setters:
        thread.join()
    assert len(hub.faults.all()) == 8
