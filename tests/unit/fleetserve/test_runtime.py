import msgspec
import pytest

from fleetserve.announcements import Announcement, ReplicaState, decode_announcement
from fleetserve.runtime import ServiceRuntime


def test_bound_process_without_reasons_against_it_is_ready(runtime: ServiceRuntime) -> None:
    assert runtime.state is ReplicaState.READY


def test_process_that_is_not_bound_yet_is_starting(runtime: ServiceRuntime) -> None:
    runtime.address = ""
    assert runtime.state is ReplicaState.STARTING


@pytest.mark.parametrize("kind", ["readiness", "liveness"])
def test_process_with_a_reason_against_it_is_not_ready(runtime: ServiceRuntime, kind: str) -> None:
    getattr(runtime, kind).extend([lambda: None, lambda: "loading"])
    assert runtime.state is ReplicaState.STARTING
    assert runtime.not_ready_reasons() + runtime.not_live_reasons() == ["loading"]


def test_draining_wins_over_ready_and_not_ready(runtime: ServiceRuntime) -> None:
    runtime.draining = True
    runtime.readiness.append(lambda: "loading")
    assert runtime.state is ReplicaState.DRAINING


def test_gone_wins_over_all(runtime: ServiceRuntime) -> None:
    runtime.draining = runtime.gone = True
    assert runtime.state is ReplicaState.GONE


def test_announcement_says_who_where_and_how_busy(runtime: ServiceRuntime) -> None:
    runtime.metrics.in_flight = 3
    announcement = runtime.announcement()
    assert (announcement.service, announcement.replica_id) == ("gateway", "g1")
    assert announcement.address == "http://127.0.0.1:1"
    assert announcement.in_flight == 3
    assert announcement.boot_id == runtime.boot_id


def test_service_adds_what_only_it_knows(runtime: ServiceRuntime) -> None:
    def on_a_gpu(announcement: Announcement) -> Announcement:
        return msgspec.structs.replace(announcement, device="cuda:0")

    runtime.describe = on_a_gpu
    assert runtime.announcement().device == "cuda:0"


async def test_announcer_tells_the_fleet(runtime: ServiceRuntime) -> None:
    await runtime.announcer().announce_now()
    raw = await runtime.redis.get(runtime.keys.announcement("gateway", "g1"))
    assert raw is not None
    assert decode_announcement(raw) == runtime.announcement()


async def test_heartbeat_tells_the_metrics(runtime: ServiceRuntime) -> None:
    await runtime.heartbeat().beat()
    assert await runtime.redis.zcard(runtime.keys.metrics("gateway", "g1")) == 1
