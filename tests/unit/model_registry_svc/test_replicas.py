from collections.abc import Callable

import pytest
import redis

from fleetserve.announcements import InstanceState, ModelInstance, ReplicaState
from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from model_registry_svc.replicas import ReplicaBoard
from tests.redis_server import RedisServer

Announce = Callable[..., None]
READY = ModelInstance("whisper_base", "rev", InstanceState.READY, bytes=10)


def test_holders_are_found_in_whatever_spelling(board: ReplicaBoard, announce: Announce) -> None:
    announce("r1", READY, service="audio-svc")
    announce("r2", ModelInstance("other", "rev", InstanceState.READY))
    (holding,) = board.holding("Whisper-Base")
    assert (holding.replica.replica_id, holding.instance) == ("r1", READY)
    assert len(board.holdings()) == 2


def test_loading_counts_and_failure_does_not(board: ReplicaBoard, announce: Announce) -> None:
    announce("r1", ModelInstance("a", "rev", InstanceState.LOADING))
    announce("r2", ModelInstance("a", "rev", InstanceState.FAILED))
    assert [h.replica.replica_id for h in board.holding("a")] == ["r1"]


def test_replica_that_is_gone_holds_nothing(board: ReplicaBoard, announce: Announce) -> None:
    announce("r1", READY, state=ReplicaState.GONE)
    assert board.holdings() == []


def test_announcement_that_cannot_be_read_is_left_out(
    board: ReplicaBoard, announce: Announce, client: redis.Redis, keys: Keys
) -> None:
    announce("r1", READY)
    client.set(keys.announcement("audio-svc", "r2"), b"{")
    assert [a.replica_id for a in board.announcements()] == ["r1"]


def test_while_redis_is_away_nobody_can_be_heard(
    board: ReplicaBoard, redis_server: RedisServer
) -> None:
    assert board.announcements() == []
    redis_server.stop()
    with pytest.raises(UnavailableError, match="replicas can't be heard"):
        board.holdings()
