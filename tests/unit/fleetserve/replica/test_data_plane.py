import asyncio
from pathlib import Path

import orjson
import pytest
from prometheus_client import CollectorRegistry

from fleetserve.asgi import Receive, Scope, Send, send_response
from fleetserve.clock import ManualClock
from fleetserve.errors import InvalidFieldError
from fleetserve.log_file import LogFile, LogSink
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.replica.admission import Admission
from fleetserve.replica.data_plane import DataPlane
from fleetserve.replica.exchange import Answer, ReplicaRequest
from fleetserve.replica.spool import Spool
from fleetserve.request_log import RequestLog
from fleetserve.request_watch import PERIOD_S, RequestWatch
from fleetserve.tokens import TokenSigner, TokenVerifier, make_secrets
from tests.unit.fleetserve.replica.asgi_calls import Exchange


class Handler:
    """Does what the body says."""

    def __init__(self) -> None:
        self.requests: list[ReplicaRequest] = []
        self.begun = asyncio.Event()
        self.cancelled = False

    async def __call__(self, request: ReplicaRequest) -> Answer:
        self.requests.append(request)
        self.begun.set()
        if request.body == b"wrong":
            raise InvalidFieldError("inputs", "is wrong")
        if request.body == b"broken":
            raise ValueError("a secret of the inside")
        if request.body == b"forever":
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
        return Answer(b"done:" + request.body, model="m")


async def control(scope: Scope, receive: Receive, send: Send) -> None:
    await send_response(send, 200, [], b"control")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


@pytest.fixture
async def handler() -> Handler:
    return Handler()


@pytest.fixture
def watch(clock: ManualClock) -> RequestWatch:
    return RequestWatch(clock)


@pytest.fixture
def admission() -> Admission:
    return Admission(2, 100)


@pytest.fixture
def metrics() -> RequestMetrics:
    return RequestMetrics("inference-svc", "r1", CollectorRegistry())


@pytest.fixture
def plane(
    clock: ManualClock,
    handler: Handler,
    watch: RequestWatch,
    admission: Admission,
    metrics: RequestMetrics,
) -> DataPlane:
    return DataPlane(
        {"/predict": handler},
        control=control,
        admission=admission,
        watch=watch,
        clock=clock,
        metrics=metrics,
        max_body_bytes=1000,
        default_timeout_s=30.0,
    )


async def test_a_request_reaches_its_handler_with_the_gateways_headers(
    plane: DataPlane, handler: Handler
) -> None:
    headers = {
        "x-request-id": "abc",
        "x-fleet-model": "example",
        "x-fleet-priority": "7",
        "x-fleet-timeout-ms": "1500",
        "x-fleet-attempt": "1",
        "content-type": "application/json",
    }
    exchange = Exchange([b"a", b"b"], headers)
    await exchange.run(plane)
    request = handler.requests[0]
    assert exchange.answer == b"done:ab"
    assert (request.request_id, request.model, request.priority, request.attempt) == (
        "abc",
        "example",
        7,
        1,
    )
    assert (request.received_s, request.deadline_s) == (1000.0, 1001.5)
    assert request.content_type == "application/json"


async def test_without_headers_the_defaults_hold(plane: DataPlane, handler: Handler) -> None:
    exchange = Exchange([b""])
    await exchange.run(plane)
    request = handler.requests[0]
    assert (request.model, request.priority, request.attempt) == (None, None, 0)
    assert request.deadline_s == 1030.0
    assert exchange.answer_headers["x-request-id"] == request.request_id != ""


async def test_priority_of_what_nobody_waits_for_is_below_zero(
    plane: DataPlane, handler: Handler
) -> None:
    await Exchange([b""], {"x-fleet-priority": "-11"}).run(plane)
    assert handler.requests[0].priority == -11


@pytest.mark.parametrize("value", ["--5", "soon", "", "9" * 5000])
async def test_a_header_that_is_no_number_counts_as_absent(
    plane: DataPlane, handler: Handler, value: str
) -> None:
    await Exchange([b""], {"x-fleet-timeout-ms": value, "x-fleet-priority": value}).run(plane)
    request = handler.requests[0]
    assert (request.priority, request.deadline_s) == (None, 1030.0)


async def test_other_paths_go_to_the_control_app(plane: DataPlane) -> None:
    exchange = Exchange([b""], path="/health")
    await exchange.run(plane)
    assert exchange.answer == b"control"


async def test_another_method_is_refused_with_what_is_allowed(plane: DataPlane) -> None:
    exchange = Exchange([b""], method="GET")
    await exchange.run(plane)
    assert exchange.status == 405
    assert exchange.answer_headers["allow"] == "POST"


async def test_an_error_is_rendered_with_the_request_id(plane: DataPlane) -> None:
    exchange = Exchange([b"wrong"], {"x-request-id": "abc"})
    await exchange.run(plane)
    body = orjson.loads(exchange.answer)
    assert exchange.status == 422
    assert (body["field"], body["request_id"]) == ("inputs", "abc")


async def test_an_unknown_error_is_opaque(plane: DataPlane, admission: Admission) -> None:
    exchange = Exchange([b"broken"])
    await exchange.run(plane)
    assert exchange.status == 500
    assert b"secret" not in exchange.answer
    assert admission.requests == 0


async def test_a_full_replica_sheds_before_it_reads(plane: DataPlane, handler: Handler) -> None:
    held = [Exchange([b"forever"]) for _ in range(2)]
    tasks = [asyncio.create_task(exchange.run(plane)) for exchange in held]
    await handler.begun.wait()
    await asyncio.sleep(0)
    refused = Exchange([b"x"])
    await refused.run(plane)
    assert refused.status == 503
    assert refused.answer_headers["x-fleet-shed"] == "1"
    assert refused.answer_headers["x-fleet-in-flight"] == "2"
    assert refused.body == [b"x"]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_too_many_bytes_are_shed_and_leave_nothing_behind(
    plane: DataPlane, handler: Handler, admission: Admission
) -> None:
    first = Exchange([b"forever"])
    task = asyncio.create_task(first.run(plane))
    await handler.begun.wait()
    second = Exchange([b"x" * 100])
    await second.run(plane)
    assert second.status == 503
    assert (admission.requests, admission.bytes) == (1, 7)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (admission.requests, admission.bytes) == (0, 0)


async def test_a_body_over_the_limit_is_413(plane: DataPlane, handler: Handler) -> None:
    exchange = Exchange([b"x" * 600, b"x" * 600])
    await exchange.run(plane)
    assert exchange.status == 413
    assert not handler.requests


async def test_a_passed_deadline_cancels_the_work_and_answers_504(
    plane: DataPlane, handler: Handler, watch: RequestWatch, clock: ManualClock
) -> None:
    exchange = Exchange([b"forever"], {"x-fleet-timeout-ms": "500"})
    task = asyncio.create_task(exchange.run(plane))
    await handler.begun.wait()
    clock.move(0.6)
    watch.sweep()
    await task
    assert handler.cancelled
    assert exchange.status == 504
    assert orjson.loads(exchange.answer)["code"] == "deadline_exceeded"


async def test_the_bodys_own_timeout_moves_the_deadline(
    plane: DataPlane, handler: Handler, watch: RequestWatch, clock: ManualClock
) -> None:
    exchange = Exchange([b"forever"])
    task = asyncio.create_task(exchange.run(plane))
    await handler.begun.wait()
    handler.requests[0].limit_time(2.0)
    clock.move(2.1)
    watch.sweep()
    await task
    assert exchange.status == 504


async def test_a_client_that_left_cancels_the_work(
    plane: DataPlane,
    handler: Handler,
    watch: RequestWatch,
    clock: ManualClock,
    metrics: RequestMetrics,
) -> None:
    exchange = Exchange([b"forever"])
    task = asyncio.create_task(exchange.run(plane))
    await handler.begun.wait()
    clock.move(2 * PERIOD_S)
    watch.sweep()
    exchange.gone.set()
    await task
    assert handler.cancelled
    assert not exchange.sent
    assert metrics.in_flight == 0


async def test_a_cancelled_server_task_stays_cancelled(plane: DataPlane, handler: Handler) -> None:
    task = asyncio.create_task(Exchange([b"forever"]).run(plane))
    await handler.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_replica_that_refuses_sheds_with_the_reason(plane: DataPlane) -> None:
    plane.refuse("It is being replaced.")
    exchange = Exchange([b"x"])
    await exchange.run(plane)
    assert exchange.status == 503
    assert b"It is being replaced." in exchange.answer
    assert exchange.answer_headers["x-fleet-shed"] == "1"


async def test_the_answer_tells_the_load_without_itself(plane: DataPlane, handler: Handler) -> None:
    first = asyncio.create_task(Exchange([b"forever"]).run(plane))
    await handler.begun.wait()
    second = Exchange([b"x"])
    await second.run(plane)
    assert second.answer_headers["x-fleet-in-flight"] == "1"
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_only_the_fleets_own_services_are_answered(
    handler: Handler, clock: ManualClock, admission: Admission, tmp_path: Path
) -> None:
    make_secrets(tmp_path, ["gateway", "inference-svc"])
    plane = DataPlane(
        {"/predict": handler},
        control=control,
        admission=admission,
        watch=RequestWatch(clock),
        clock=clock,
        metrics=RequestMetrics("inference-svc", "r1", CollectorRegistry()),
        max_body_bytes=100,
        default_timeout_s=30.0,
        verifier=TokenVerifier(tmp_path, "inference-svc", clock),
    )
    stranger = Exchange([b"x"])
    await stranger.run(plane)
    assert stranger.status == 401
    assert not handler.requests
    token = TokenSigner(tmp_path, "gateway", clock).token_for("inference-svc")
    gateway = Exchange([b"x"], {"x-fleet-token": token})
    await gateway.run(plane)
    assert gateway.status == 200


async def test_each_request_is_counted_and_written_once(
    handler: Handler, clock: ManualClock, admission: Admission, tmp_path: Path
) -> None:
    file = LogFile(tmp_path, "inference-svc", max_bytes=10_000, keep=1)
    sink = LogSink(file, stdout=False)
    metrics = RequestMetrics("inference-svc", "r1", CollectorRegistry())
    plane = DataPlane(
        {"/predict": handler},
        control=control,
        admission=admission,
        watch=RequestWatch(clock),
        clock=clock,
        metrics=metrics,
        max_body_bytes=100,
        default_timeout_s=30.0,
        request_log=RequestLog(sink, "inference-svc", "r1", clock),
    )
    await Exchange([b"x"], {"x-request-id": "abc"}).run(plane)
    sink.flush()
    file.close()
    line = orjson.loads(file.path.read_bytes())
    assert (line["request_id"], line["route"], line["status"]) == ("abc", "/predict", 200)
    assert metrics.roll_up(1).models["m"].requests == 1


@pytest.mark.parametrize(("path", "spooled"), [("/files", True), ("/predict", False)])
async def test_large_body_is_a_file_where_the_route_takes_files(
    clock: ManualClock,
    handler: Handler,
    watch: RequestWatch,
    admission: Admission,
    metrics: RequestMetrics,
    tmp_path: Path,
    *,
    path: str,
    spooled: bool,
) -> None:
    plane = DataPlane(
        {"/files": handler, "/predict": handler},
        control=control,
        admission=admission,
        watch=watch,
        clock=clock,
        metrics=metrics,
        max_body_bytes=1000,
        default_timeout_s=30.0,
        spool=Spool(tmp_path, 5),
        file_routes=("/files",),
    )
    await Exchange([b"small"], path=path).run(plane)
    await Exchange([b"123", b"456"], path=path).run(plane)
    small, large = handler.requests
    assert (small.body, small.file) == (b"small", None)
    assert (large.file is not None) is spooled
    assert large.whole_body() == b"123456"
    assert admission.bytes == 0
