import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.config import ServerConfig
from fleetserve.model_records import ModelState
from fleetserve.request_watch import RequestWatch
from fleetserve.tasks import AUDIO_SERVICE
from gateway.bodies import BodyStore
from gateway.carrier import Carrier
from gateway.catalogue import Offer
from gateway.data_routes import MATCH, RouteTable, data_routes
from gateway.exchange import Exchange
from gateway.first_use import CATALOGUE_WAIT_S, FetchRule
from gateway.forwarder import Forwarder
from gateway.jobs.order import JobOrder
from gateway.known_models import KnownModels
from gateway.relay import Relay
from tests.unit.gateway.entrances import make_entrance
from tests.unit.gateway.fleet import OFFERED, Client, Fleet, announced, answering, recorded

JSON = {"content-type": "application/json"}
ROUTES = RouteTable(data_routes(ServerConfig(timeout_s=30.0, audio_timeout_s=300.0)))
V2 = "/v2/models/example"


class Routed(Forwarder):
    """Finds the route itself, as the router does before it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[MATCH] = ROUTES.find(scope["path"])
        await super().__call__(scope, receive, send)


@pytest.fixture
def forwarder(fleet: Fleet, tmp_path: Path) -> Iterator[Forwarder]:
    bodies = BodyStore(tmp_path, max_body=10_000, spool_above=5_000, max_total=20_000)
    carrier = Carrier(fleet.runtime, bodies, fleet.first_use, RequestWatch(fleet.clock))
    entrance, audit = make_entrance(tmp_path, fleet.clock)
    yield Routed(fleet.models, carrier, entrance, FetchRule("never"))
    audit.close()


async def post(
    forwarder: Forwarder,
    content: object,
    path: str = "/predict",
    headers: dict[str, str] | None = None,
    query: str = "",
) -> Client:
    body = orjson.dumps(content)
    return await Client(forwarder).send("POST", path, body, {**JSON, **(headers or {})}, query)


async def test_original_bytes_go_to_the_models_service_with_what_it_needs_to_know(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    fleet.add(answering())
    content = {"model_name": "example", "inputs": [1], "timeout": 2.0, "priority": 7}
    client = await post(forwarder, content, headers={"x-request-id": "r-1"})
    assert client.status == 200
    (sent,) = fleet.upstream.sent
    assert orjson.loads(sent.body) == content
    assert sent.target == "/predict"
    assert sent.headers["x-fleet-model"] == "example"
    assert sent.headers["x-fleet-priority"] == "7"
    assert sent.headers["x-fleet-timeout-ms"] == "2000"
    assert sent.headers["x-request-id"] == "r-1"


async def test_model_goes_under_its_own_name_however_it_was_spelt(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    fleet.models.put(recorded("whisper_base", task="automatic-speech-recognition"))
    fleet.add(answering(), announced("a1", service=AUDIO_SERVICE))
    await post(forwarder, {"model": "Whisper-Base"})
    assert fleet.upstream.sent[0].headers["x-fleet-model"] == "whisper_base"
    assert fleet.sent_to() == ["a1"]


async def test_model_of_the_catalogue_may_come_before_its_download(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    fleet.add(answering(), announced("a1", service=AUDIO_SERVICE))
    calling = asyncio.ensure_future(post(forwarder, {"model": OFFERED}, "/synthesize"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert fleet.room.held == 1
    fleet.models.put(recorded(OFFERED, task="text-to-speech"))
    fleet.table.notify()
    assert (await calling).status == 200


class TestFirstUse:
    @pytest.fixture
    def forwarder(self, fleet: Fleet, tmp_path: Path) -> Iterator[Forwarder]:
        bodies = BodyStore(tmp_path, max_body=10_000, spool_above=5_000, max_total=20_000)
        carrier = Carrier(fleet.runtime, bodies, fleet.first_use, RequestWatch(fleet.clock))
        entrance, audit = make_entrance(tmp_path, fleet.clock)
        yield Routed(fleet.models, carrier, entrance, FetchRule("everyone"))
        audit.close()

    @pytest.fixture(autouse=True)
    def registry(self, fleet: Fleet) -> None:
        begun = answering(b'{"download_id":"dl-1"}', status=202)
        fleet.add(begun, announced("r1", service="model-registry-svc", models=()))
        fleet.add(answering(b"sound"), announced("a1", service=AUDIO_SERVICE))

    @pytest.mark.parametrize(
        ("path", "name"),
        [("/predict", OFFERED), ("/synthesize", "SpeechT5-TTS"), ("/v1/audio/speech", "tts-1")],
    )
    async def test_model_of_the_catalogue_is_fetched(
        self, forwarder: Forwarder, fleet: Fleet, path: str, name: str
    ) -> None:
        calling = asyncio.ensure_future(post(forwarder, {"model": name}, path))
        await fleet.go_on(1.0)
        fleet.models.put(recorded(OFFERED, task="text-to-speech"))
        fleet.table.notify()
        assert (await calling).body == b"sound"
        assert fleet.sent_to() == ["r1", "a1"]

    async def test_failed_download_is_begun_again(self, forwarder: Forwarder, fleet: Fleet) -> None:
        failed = recorded(OFFERED, ModelState.FAILED, task="text-to-speech", download_id="dl-0")
        fleet.models.put(failed)
        calling = asyncio.ensure_future(post(forwarder, {"model": OFFERED}, "/synthesize"))
        await fleet.go_on(1.0)
        fleet.models.put(recorded(OFFERED, task="text-to-speech"))
        fleet.table.notify()
        assert (await calling).status == 200

    @pytest.mark.parametrize("path", ["/transcribe", "/v1/audio/translations", "/v1/embeddings"])
    async def test_nothing_is_fetched_for_a_route_that_does_not_serve_its_task(
        self, forwarder: Forwarder, fleet: Fleet, path: str
    ) -> None:
        client = await post(forwarder, {"model": OFFERED}, path)
        assert (client.status, fleet.upstream.sent) == (422 if path == "/transcribe" else 400, [])

    @pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/chat/completions", "/synthesize"])
    async def test_text_model_is_not_fetched_for_what_it_does_not_do(
        self, forwarder: Forwarder, fleet: Fleet, path: str
    ) -> None:
        forwarder._models = KnownModels([Offer("t5", "huggingface", "a/t5", "translation")])
        client = await post(forwarder, {"model": "t5"}, path)
        assert (client.status, fleet.upstream.sent) == (422 if path == "/synthesize" else 400, [])

    async def test_looking_at_a_model_fetches_nothing(
        self, forwarder: Forwarder, fleet: Fleet
    ) -> None:
        forwarder._models = KnownModels([Offer("bert", "huggingface", "a/bert", "fill-mask")])
        looking = asyncio.ensure_future(Client(forwarder).send("GET", "/v2/models/bert"))
        await fleet.go_on(CATALOGUE_WAIT_S)
        assert ((await looking).status, fleet.upstream.sent) == (404, [])

    async def test_name_that_is_not_in_the_catalogue_is_never_fetched(
        self, forwarder: Forwarder, fleet: Fleet
    ) -> None:
        client = await post(forwarder, {"model": "microsoft/speecht5_tts"})
        assert (client.status, fleet.upstream.sent) == (404, [])


async def test_each_route_has_its_own_time(forwarder: Forwarder, fleet: Fleet) -> None:
    fleet.models.put(recorded("voice", task="text-to-speech"))
    fleet.add(answering(), announced("a1", service=AUDIO_SERVICE))
    await post(forwarder, {"model": "voice"}, "/synthesize")
    await post(forwarder, {"model": "voice"}, "/predict")
    told = [r.headers["x-fleet-timeout-ms"] for r in fleet.upstream.sent]
    assert told == ["300000", "30000"]


async def test_query_is_passed_on(forwarder: Forwarder, fleet: Fleet) -> None:
    fleet.add(answering())
    await post(forwarder, {}, query="model_name=example&x=%20")
    assert fleet.upstream.sent[0].target == "/predict?model_name=example&x=%20"


async def test_caller_cannot_speak_as_the_fleet(forwarder: Forwarder, fleet: Fleet) -> None:
    fleet.add(answering())
    forged = {"x-fleet-token": "forged", "x-fleet-priority": "10", "x-fleet-attempt": "9"}
    await post(forwarder, {"model": "example"}, headers={**forged, "cookie": "a=b"})
    headers = fleet.upstream.sent[0].headers
    assert headers["x-fleet-token"] != "forged"
    assert headers["x-fleet-priority"] == "0"
    assert headers["x-fleet-attempt"] == "1"
    assert "cookie" not in headers


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_told_the_right_one(forwarder: Forwarder, method: str) -> None:
    client = await Client(forwarder).send(method, "/predict")
    assert client.status == 405
    assert client.headers["allow"] == "POST"


async def test_unknown_model_is_a_404_that_says_how_to_get_it(forwarder: Forwarder) -> None:
    client = await post(forwarder, {"model": "nothing"})
    error = orjson.loads(client.body)
    assert client.status == 404
    assert error["code"] == "model_not_found"
    assert "POST /models/download" in error["detail"]


async def test_model_of_another_service_is_led_to_its_route(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    client = await post(forwarder, {"model": "example"}, "/synthesize")
    error = orjson.loads(client.body)
    assert client.status == 422
    assert error["field"] == "model_name"
    assert "/predict" in error["detail"]


async def test_model_that_rewrites_is_told_how_it_becomes_a_voice(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    fleet.models.put(recorded("bart", task="summarization"))
    client = await post(forwarder, {"model": "bart"}, "/synthesize")
    assert client.status == 422
    assert "auto_convert_tts" in orjson.loads(client.body)["detail"]


@pytest.mark.parametrize("path", ["/synthesize", "/v1/audio/speech"])
async def test_voice_of_two_stages_may_be_asked_to_speak(
    forwarder: Forwarder, fleet: Fleet, path: str
) -> None:
    fleet.models.put(recorded("bart", task="summarization", two_stage_voice=True))
    fleet.add(answering())
    assert (await post(forwarder, {"model": "bart"}, path)).status == 200
    assert (await post(forwarder, {"model": "bart"}, "/transcribe")).status == 422


async def test_time_that_the_body_took_is_not_the_replicas(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    fleet.add(answering())
    client = Client(forwarder)
    pieces = [b'{"model":"example",', b'"timeout":2.0}']

    async def slow_receive() -> dict[str, object]:
        fleet.clock.move(1.5)
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b""}
    headers = [(k.encode(), v.encode()) for k, v in JSON.items()]
    await forwarder({**scope, "headers": headers}, slow_receive, client._take)
    assert client.status == 200
    assert fleet.upstream.sent[0].headers["x-fleet-timeout-ms"] == "2000"


async def test_tensors_go_on_as_they_came(forwarder: Forwarder, fleet: Fleet) -> None:
    fleet.add(answering())
    body = b'{"inputs":[]}' + b"\x00\xff" * 100
    headers = {"inference-header-content-length": "13", "content-type": "application/octet-stream"}
    client = await Client(forwarder).send("POST", f"{V2}/infer", body, headers)
    assert client.status == 200
    (sent,) = fleet.upstream.sent
    assert (sent.target, sent.body) == ("/v2/infer", body)
    assert sent.headers["inference-header-content-length"] == "13"
    assert sent.headers["x-fleet-model"] == "example"
    assert "x-fleet-version" not in sent.headers


async def test_version_of_the_path_goes_along(forwarder: Forwarder, fleet: Fleet) -> None:
    fleet.add(answering())
    await Client(forwarder).send("POST", f"{V2}/versions/7/infer", b"{}")
    assert fleet.upstream.sent[0].headers["x-fleet-version"] == "7"


async def test_version_that_no_header_can_carry_is_not_found(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    fleet.add(answering())
    path = f"{V2}/versions/7\r\nx-fleet-token: a/infer"
    client = await Client(forwarder).send("POST", path, b"{}")
    assert (client.status, fleet.upstream.sent) == (404, [])


async def test_description_of_a_model_is_asked_of_a_replica(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    fleet.add(answering())
    client = await Client(forwarder).send("GET", V2)
    assert client.status == 200
    (sent,) = fleet.upstream.sent
    assert (sent.method, sent.target) == ("POST", "/v2/model")


async def test_metrics_know_a_route_by_its_template(forwarder: Forwarder, fleet: Fleet) -> None:
    fleet.add(answering())
    await Client(forwarder).send("POST", f"{V2}/infer", b"{}")
    assert set(fleet.runtime.metrics._latency) == {"/v2/models/{model}/infer"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/predict", {"code", "detail", "error", "request_id", "success"}),
        ("/v1/embeddings", {"error"}),
        ("/v2/models/nothing/infer", {"error"}),
    ],
)
async def test_errors_are_in_the_routes_own_shape(
    forwarder: Forwarder, path: str, expected: set[str]
) -> None:
    client = await post(forwarder, {"model": "nothing"}, path)
    assert client.status == 404
    assert set(orjson.loads(client.body)) == expected


async def test_model_for_speech_is_led_from_v2_to_its_route(
    forwarder: Forwarder, fleet: Fleet
) -> None:
    fleet.models.put(recorded("voice", task="text-to-speech"))
    client = await Client(forwarder).send("POST", "/v2/models/voice/infer", b"{}")
    assert client.status == 400
    assert "/synthesize" in orjson.loads(client.body)["error"]


class TestJobs:
    @pytest.fixture
    def taken(self) -> list[Exchange]:
        return []

    @pytest.fixture
    def forwarder(self, fleet: Fleet, tmp_path: Path, taken: list[Exchange]) -> Iterator[Forwarder]:
        async def accept(exchange: Exchange, relay: Relay) -> None:
            taken.append(exchange)
            await relay.answer(202, [], b"{}")

        bodies = BodyStore(tmp_path, max_body=10_000, spool_above=5_000, max_total=20_000)
        watch = RequestWatch(fleet.clock)
        carrier = Carrier(fleet.runtime, bodies, fleet.first_use, watch, accept)
        entrance, audit = make_entrance(tmp_path, fleet.clock)
        yield Routed(fleet.models, carrier, entrance, FetchRule("never"), takes_jobs=True)
        audit.close()

    async def test_who_prefers_not_to_wait_gets_a_job(
        self, forwarder: Forwarder, fleet: Fleet, taken: list[Exchange]
    ) -> None:
        fleet.add(answering())
        content = {"model_name": "example", "inputs": [1], "priority": 4, "token": "t"}
        headers = {"prefer": "respond-async", "idempotency-key": "k", "accept": "audio/wav"}
        client = await post(forwarder, content, headers=headers, query="webhook_url=http://a/")
        assert client.status == 202
        assert fleet.upstream.sent == []
        assert taken[0].order == JobOrder("", 4, "k", "http://a/", has_token=True)
        assert ("accept", "audio/wav") in taken[0].headers

    async def test_model_that_is_not_there_is_told_at_once(
        self, forwarder: Forwarder, taken: list[Exchange]
    ) -> None:
        content = {"model_name": "nothing", "inputs": [1]}
        client = await post(forwarder, content, headers={"prefer": "respond-async"})
        assert (client.status, taken) == (404, [])

    async def test_webhook_of_the_body_wins(
        self, forwarder: Forwarder, taken: list[Exchange]
    ) -> None:
        content = {"model_name": "example", "inputs": [1], "webhook_url": "http://b/"}
        query = "webhook_url=http://a/"
        await post(forwarder, content, headers={"prefer": "respond-async"}, query=query)
        assert taken[0].order is not None
        assert taken[0].order.webhook_url == "http://b/"

    async def test_webhook_without_a_job_is_refused(
        self, forwarder: Forwarder, taken: list[Exchange]
    ) -> None:
        content = {"model_name": "example", "inputs": [1], "webhook_url": "http://b/"}
        client = await post(forwarder, content)
        assert (client.status, taken) == (422, [])
        assert orjson.loads(client.body)["field"] == "webhook_url"

    async def test_who_waits_is_answered_as_ever(
        self, forwarder: Forwarder, fleet: Fleet, taken: list[Exchange]
    ) -> None:
        fleet.add(answering())
        client = await post(forwarder, {"model_name": "example", "inputs": [1]})
        assert (client.status, taken) == (200, [])
