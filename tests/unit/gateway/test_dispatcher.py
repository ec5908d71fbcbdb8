import asyncio
from collections import Counter

import pytest

from fleetserve.announcements import ReplicaState
from fleetserve.errors import DeadlineError, ModelNotFoundError, UnavailableError
from fleetserve.model_records import ModelState
from fleetserve.tokens import TokenVerifier
from gateway.dispatcher import LONGEST_PAUSE_S
from gateway.upstream.memory import Behaviour, MemoryAnswer, SentRequest
from tests.unit.gateway.fleet import (
    Fleet,
    Gate,
    announced,
    answering,
    breaking_off,
    failing,
    in_turn,
    recorded,
    shedding,
    streaming,
)

FAULTS = [failing(sent=False), failing(sent=True), breaking_off(), shedding()]
NAMES = ["refuses", "resets", "breaks off", "sheds"]


class TestAttempt:
    async def test_replicas_reply_is_given(self, fleet: Fleet) -> None:
        fleet.add(answering(b'{"result":1}'))
        assert await fleet.ask(fleet.exchange()) == (200, b'{"result":1}')
        assert fleet.own() == 0

    async def test_replica_is_told_what_it_needs(self, fleet: Fleet) -> None:
        fleet.add(answering())
        exchange = fleet.exchange(body=b"original", timeout_s=2.5)
        await fleet.ask(exchange)
        (sent,) = fleet.upstream.sent
        assert (sent.method, sent.target, sent.body) == ("POST", "/predict", b"original")
        assert sent.headers["x-request-id"] == "r-1"
        assert sent.headers["x-fleet-timeout-ms"] == "2500"
        assert sent.headers["x-fleet-attempt"] == "1"
        settings = fleet.runtime.settings
        verifier = TokenVerifier(settings.secrets_dir, "inference-svc", fleet.clock)
        assert verifier.check(sent.headers["x-fleet-token"]) == "gateway"
        assert (exchange.upstream, exchange.attempts) == ("i1", 1)

    async def test_request_counts_as_being_there_until_the_answer_is_through(
        self, fleet: Fleet
    ) -> None:
        fleet.add(streaming(b"chunk", b"audio/wav"))
        async with fleet.dispatcher.reply_to(fleet.exchange()):
            assert fleet.own() == 1
        assert fleet.own() == 0

    async def test_answers_count_is_taken(self, fleet: Fleet) -> None:
        fleet.add(answering(headers=[(b"x-fleet-in-flight", b"6")]))
        await fleet.ask(fleet.exchange())
        (replica,) = fleet.table.all()
        assert replica.load == 6

    @pytest.mark.parametrize("status", [400, 404, 422, 500, 503, 504])
    async def test_error_of_the_replica_is_its_answer(self, fleet: Fleet, status: int) -> None:
        fleet.add(answering(b'{"success":false}', status=status))
        assert (await fleet.ask(fleet.exchange()))[0] == status
        assert len(fleet.upstream.sent) == 1

    async def test_answer_whose_client_failed_is_closed(self, fleet: Fleet) -> None:
        fleet.add(streaming(b"chunk", b"audio/wav"))

        async def pass_on() -> None:
            async with fleet.dispatcher.reply_to(fleet.exchange()) as reply:
                answers.append(reply.answer)
                raise ValueError("client left")

        answers: list[object] = []
        with pytest.raises(ValueError, match="client"):
            await pass_on()
        (answer,) = answers
        assert isinstance(answer, MemoryAnswer)
        assert answer.closed
        assert fleet.own() == 0

    async def test_cancelling_ends_the_work_at_the_replica(self, fleet: Fleet) -> None:
        gate = Gate()
        fleet.add(gate)
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange()))
        await gate.arrived.wait()
        assert fleet.own() == 1
        asking.cancel()
        await asyncio.wait([asking])
        assert gate.cancelled
        assert fleet.own() == 0


class TestRetry:
    @pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
    async def test_another_replica_answers_in_place_of_one_that_fails(
        self, fleet: Fleet, fault: Behaviour
    ) -> None:
        fleet.add(fault, announced("bad"))
        fleet.add(answering(b"good"), announced("good"))
        for _ in range(20):
            assert (await fleet.ask(fleet.exchange()))[1] == b"good"
        assert "bad" in fleet.sent_to()
        assert fleet.own() == 0

    @pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
    async def test_each_replica_is_tried_once_before_any_is_tried_again(
        self, fleet: Fleet, fault: Behaviour
    ) -> None:
        for number in range(4):
            fleet.add(fault, announced(f"i{number}"))
        exchange = fleet.exchange(timeout_s=0.05)
        asking = asyncio.ensure_future(fleet.ask(exchange))
        await fleet.clock.advance(0.01)
        assert sorted(fleet.sent_to()) == ["i0", "i1", "i2", "i3"]
        assert [r.headers["x-fleet-attempt"] for r in fleet.upstream.sent] == ["1", "2", "3", "4"]
        await fleet.clock.advance(0.1)
        with pytest.raises((DeadlineError, UnavailableError)):
            await asking
        assert fleet.own() == 0

    async def test_failed_replica_is_last_choice_for_a_while(self, fleet: Fleet) -> None:
        fleet.add(failing(sent=True), announced("bad"))
        fleet.add(answering(), announced("good"))
        while "bad" not in fleet.sent_to():
            await fleet.ask(fleet.exchange())
        fleet.upstream.sent.clear()
        for _ in range(20):
            await fleet.ask(fleet.exchange())
        assert Counter(fleet.sent_to()) == {"good": 20}

    async def test_request_that_may_have_been_carried_out_is_not_repeated(
        self, fleet: Fleet
    ) -> None:
        fleet.add(failing(sent=True), announced("r1", service="model-registry-svc"))
        fleet.add(failing(sent=True), announced("r2", service="model-registry-svc"))
        with pytest.raises(UnavailableError) as caught:
            await fleet.ask(fleet.exchange(None, repeatable=False))
        assert caught.value.code == "upstream_lost"
        assert len(fleet.upstream.sent) == 1
        assert fleet.own() == 0

    async def test_request_that_never_arrived_is_repeated_in_any_case(self, fleet: Fleet) -> None:
        service = "model-registry-svc"
        fleet.add(
            in_turn(failing(sent=False), answering(b"done")), announced("r1", service=service)
        )
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange(None, repeatable=False)))
        await fleet.go_on(1.0)
        assert await asking == (200, b"done")


class TestTime:
    async def test_time_that_was_over_before_the_first_attempt_costs_no_replica_anything(
        self, fleet: Fleet
    ) -> None:
        fleet.add(answering())
        exchange = fleet.exchange(timeout_s=1.0)
        fleet.clock.move(1.0)
        with pytest.raises(DeadlineError):
            await fleet.ask(exchange)
        assert fleet.upstream.sent == []
        assert fleet.own() == 0

    async def test_each_attempt_is_told_the_time_that_is_left(self, fleet: Fleet) -> None:
        fleet.add(in_turn(failing(sent=True), answering()))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange(timeout_s=10.0)))
        await fleet.go_on(1.0)
        await asking
        told = [int(r.headers["x-fleet-timeout-ms"]) for r in fleet.upstream.sent]
        assert told[0] == 10_000
        assert 9_800 < told[1] < 9_950

    async def test_replica_that_goes_on_failing_ends_in_a_504_that_tells_the_attempts(
        self, fleet: Fleet
    ) -> None:
        fleet.add(failing(sent=False))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange(timeout_s=5.0)))
        await fleet.go_on(5.0)
        with pytest.raises(DeadlineError, match=r"after \d+ attempts"):
            await asking
        assert fleet.own() == fleet.room.held == 0


class TestHolding:
    async def test_request_waits_for_the_first_replica(self, fleet: Fleet) -> None:
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange()))
        await fleet.go_on(10.0)
        assert fleet.room.held == 1
        assert fleet.room.demand == {"example": 1}
        fleet.add(answering(b"served"))
        assert await asking == (200, b"served")
        assert fleet.room.held == 0

    @pytest.mark.parametrize("state", [ReplicaState.STARTING, ReplicaState.DRAINING])
    async def test_replica_that_takes_no_requests_gets_none(
        self, fleet: Fleet, state: ReplicaState
    ) -> None:
        fleet.add(answering(), announced(state=state))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange()))
        await fleet.go_on(1.0)
        assert fleet.upstream.sent == []
        fleet.table.update(announced(boot_id="b2"))
        await asking

    async def test_request_waits_for_a_download_and_is_then_served(self, fleet: Fleet) -> None:
        fleet.add(answering(b"served"))
        fleet.models.put(recorded("m", ModelState.DOWNLOADING))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange("m")))
        await fleet.go_on(10.0)
        assert fleet.upstream.sent == []
        assert fleet.models.put(recorded("m", ModelState.READY))
        fleet.table.notify()
        assert await asking == (200, b"served")

    async def test_download_that_failed_ends_the_wait(self, fleet: Fleet) -> None:
        fleet.models.put(recorded("m", ModelState.DOWNLOADING))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange("m")))
        await fleet.go_on(1.0)
        fleet.models.put(recorded("m", ModelState.FAILED, message="No such repository."))
        fleet.table.notify()
        with pytest.raises(ModelNotFoundError, match=r"No such repository.*POST /models/download"):
            await asking
        assert fleet.room.held == 0

    async def test_model_that_was_deleted_ends_the_wait_though_one_of_a_like_name_is_there(
        self, fleet: Fleet
    ) -> None:
        fleet.add(answering())
        fleet.models.put(recorded("whisper_base", ModelState.DOWNLOADING))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange("whisper_base")))
        await fleet.clock.advance(1.0)
        fleet.models.put(recorded("whisper-base"))
        fleet.models.put(recorded("whisper_base", ModelState.DELETED))
        fleet.table.notify()
        with pytest.raises(ModelNotFoundError):
            await asking
        assert fleet.upstream.sent == []

    async def test_request_whose_time_is_over_first_is_told_how_far_the_download_is(
        self, fleet: Fleet
    ) -> None:
        fleet.models.put(recorded("m", ModelState.DOWNLOADING, progress=0.1))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange("m", timeout_s=5.0)))
        await fleet.go_on(1.0)
        fleet.models.put(recorded("m", ModelState.DOWNLOADING, progress=0.4))
        await fleet.go_on(4.0)
        with pytest.raises(UnavailableError, match="downloading 40%") as caught:
            await asking
        assert caught.value.extra == {"phase": "downloading", "progress": 0.4}
        assert "Retry-After" in caught.value.headers

    async def test_request_is_held_no_longer_than_the_room_holds(self, fleet: Fleet) -> None:
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange(timeout_s=1000.0)))
        await fleet.go_on(59.0)
        assert not asking.done()
        await fleet.go_on(1.0)
        with pytest.raises(UnavailableError, match="inference-svc is starting") as caught:
            await asking
        assert caught.value.code == "not_ready"
        assert int(caught.value.headers["Retry-After"]) > 0

    async def test_time_held_is_counted_over_several_waits(self, fleet: Fleet) -> None:
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange(timeout_s=1000.0)))
        for _ in range(6):
            await fleet.go_on(9.0)
            fleet.table.notify()
        assert not asking.done()
        await fleet.go_on(6.0)
        with pytest.raises(UnavailableError):
            await asking

    async def test_exchange_may_want_to_be_held_for_less(self, fleet: Fleet) -> None:
        exchange = fleet.exchange(None, timeout_s=1000.0)
        exchange.max_hold_s = 10.0
        asking = asyncio.ensure_future(fleet.ask(exchange))
        await fleet.go_on(10.0)
        with pytest.raises(UnavailableError, match="model-registry-svc is not ready"):
            await asking

    async def test_full_room_answers_at_once_with_the_phase(self, fleet: Fleet) -> None:
        fleet.models.put(recorded("m", ModelState.DOWNLOADING, progress=0.25))
        asking = [asyncio.ensure_future(fleet.ask(fleet.exchange("m"))) for _ in range(4)]
        await fleet.clock.advance(0.0)
        with pytest.raises(UnavailableError, match="downloading 25%") as caught:
            await fleet.ask(fleet.exchange("m"))
        assert caught.value.code == "waiting_room_full"
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        assert fleet.room.held == 0

    async def test_request_in_the_room_keeps_its_place_when_it_has_to_wait_on(
        self, fleet: Fleet
    ) -> None:
        asking = [asyncio.ensure_future(fleet.ask(fleet.exchange())) for _ in range(4)]
        await fleet.clock.advance(0.0)
        late = asyncio.ensure_future(fleet.ask(fleet.exchange()))
        fleet.table.notify()
        await fleet.clock.advance(0.0)
        assert not any(task.done() for task in asking)
        with pytest.raises(UnavailableError):
            await late
        fleet.add(answering())
        assert {status for status, _ in await asyncio.gather(*asking)} == {200}

    async def test_phase_is_loading_while_a_replica_loads_the_model(self, fleet: Fleet) -> None:
        fleet.models.put(recorded("m"))
        fleet.add(shedding(), announced(models=(), loading=("m",)))
        waiting = [asyncio.ensure_future(fleet.ask(fleet.exchange("m"))) for _ in range(4)]
        await fleet.clock.advance(0.0)
        with pytest.raises(UnavailableError, match=r"\(loading\)"):
            await fleet.ask(fleet.exchange("m"))
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)


class TestOverload:
    async def test_two_replicas_that_both_shed_are_tried_once_each_and_then_the_request_waits(
        self, fleet: Fleet
    ) -> None:
        fleet.add(in_turn(shedding(), answering(b"a")), announced("a"))
        fleet.add(in_turn(shedding(), answering(b"b")), announced("b"))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange()))
        await fleet.clock.advance(0.01)
        assert sorted(fleet.sent_to()) == ["a", "b"]
        assert fleet.room.held == 1
        await fleet.clock.advance(0.2)
        assert (await asking)[0] == 200
        assert len(fleet.upstream.sent) == 3

    async def test_overload_that_lasts_is_a_503_with_the_replicas_retry_after(
        self, fleet: Fleet
    ) -> None:
        fleet.add(shedding(), announced("a"))
        fleet.add(shedding(), announced("b"))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange(timeout_s=5.0)))
        await fleet.go_on(5.0)
        with pytest.raises(UnavailableError) as caught:
            await asking
        assert caught.value.code == "overloaded"
        assert caught.value.headers["Retry-After"] == "3"
        assert fleet.own() == fleet.room.held == 0

    async def test_overload_is_told_where_the_time_is_over_before_all_were_tried(
        self, fleet: Fleet
    ) -> None:
        async def shed_late(request: SentRequest) -> MemoryAnswer:
            fleet.clock.move(1.0)
            return await shedding()(request)

        for number in range(3):
            fleet.add(shed_late, announced(f"i{number}"))
        with pytest.raises(UnavailableError) as caught:
            await fleet.ask(fleet.exchange(timeout_s=1.5))
        assert caught.value.code == "overloaded"
        assert len(fleet.upstream.sent) == 2

    async def test_pauses_grow_so_that_full_replicas_are_not_pestered(self, fleet: Fleet) -> None:
        fleet.add(shedding(), announced("a"))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange(timeout_s=20.0)))
        await fleet.go_on(20.0)
        with pytest.raises(UnavailableError):
            await asking
        assert 10 <= len(fleet.upstream.sent) <= 8 + 20 / (LONGEST_PAUSE_S * 0.75)

    async def test_sign_of_life_of_a_full_replica_sends_nobody_to_it(self, fleet: Fleet) -> None:
        fleet.add(shedding(), announced("a"))
        asking = [
            asyncio.ensure_future(fleet.ask(fleet.exchange(timeout_s=30.0))) for _ in range(4)
        ]
        await fleet.clock.advance(0.01)
        before = len(fleet.upstream.sent)
        for in_flight in range(100):
            fleet.table.update(announced("a", in_flight=in_flight))
            await fleet.clock.advance(0.0)
        assert len(fleet.upstream.sent) == before
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)

    async def test_new_replica_serves_those_who_wait_at_once(self, fleet: Fleet) -> None:
        fleet.add(shedding(), announced("a"))
        asking = asyncio.ensure_future(fleet.ask(fleet.exchange()))
        await fleet.go_on(3.05)
        fleet.add(answering(b"b"), announced("b"))
        await fleet.clock.advance(0.0)
        assert asking.done()
        assert await asking == (200, b"b")
