import orjson

from gateway.bodies import Body
from gateway.jobs.acceptance import Acceptance
from gateway.jobs.order import JobOrder
from gateway.jobs.work import read_work
from gateway.relay import Relay
from tests.unit.gateway.fleet import Client, Fleet
from tests.unit.gateway.jobs.conftest import Office


async def accepted(office: Office, fleet: Fleet, order: JobOrder) -> Client:
    exchange = fleet.exchange(body=b'{"model_name":"example"}')
    exchange.order = order
    exchange.target = "/predict?a=1&webhook_url=x"
    exchange.headers = [("accept", "audio/wav"), ("x-fleet-model", "example")]
    client = Client(lambda *_: None)  # type: ignore[arg-type]
    await Acceptance(office.intake)(exchange, Relay(client._take, "r-1", fleet.clock))
    return client


async def test_answer_says_where_the_job_is(office: Office, fleet: Fleet) -> None:
    answer = await accepted(office, fleet, JobOrder("user:ada"))
    body = orjson.loads(answer.body)
    assert answer.status == 202
    assert answer.headers["location"] == f"/jobs/{body['job_id']}"
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.headers["x-request-id"] == "r-1"
    assert (body["success"], body["status"]) == (True, "queued")
    assert "webhook_secret" not in body


async def test_stored_is_what_the_replay_needs_and_no_more(office: Office, fleet: Fleet) -> None:
    body = orjson.loads((await accepted(office, fleet, JobOrder("user:ada"))).body)
    work = read_work(office.ledger.read(body["job_id"]))
    assert (work.route, work.query, work.model) == ("/predict", "a=1", "example")
    assert work.headers == [("accept", "audio/wav")]
    assert work.size == Body(b'{"model_name":"example"}', None, 24).size


async def test_secret_is_told_where_a_webhook_was_asked_for(office: Office, fleet: Fleet) -> None:
    order = JobOrder("user:ada", webhook_url="https://a.example/")
    body = orjson.loads((await accepted(office, fleet, order)).body)
    assert body["webhook_secret"].startswith("whsec_")
