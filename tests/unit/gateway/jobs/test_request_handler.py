import msgspec
import pytest

from fleetserve.jobs.runner import JobFailedError
from gateway.jobs.replay import Call
from gateway.jobs.request_handler import RequestHandler
from gateway.jobs.work import Outcome, read_work
from tests.unit.gateway.jobs.conftest import Office, predict_work
from tests.unit.gateway.jobs.working import LoopHere, ScriptedReplayer, heard_link


def handler(office: Office, replayer: ScriptedReplayer) -> RequestHandler:
    return RequestHandler(LoopHere(), heard_link(), replayer, office.files)


def answering(status: int, content: bytes) -> ScriptedReplayer:
    return ScriptedReplayer(lambda _: (status, content))


def failed(office: Office, replayer: ScriptedReplayer) -> Outcome:
    with pytest.raises(JobFailedError) as caught:
        handler(office, replayer).run(office.claim())
    return msgspec.json.decode(caught.value.result, type=Outcome)


def test_answer_becomes_the_result_of_this_claim(office: Office) -> None:
    job = office.take(b"the body", work=predict_work(query="a=1")).job
    replayer = answering(200, b'{"result":1}')
    outcome = msgspec.json.decode(handler(office, replayer).run(office.claim()), type=Outcome)
    assert outcome == Outcome(200, "result.1", "application/json", 12)
    folder = read_work(job).folder
    assert office.files.result(folder, outcome.file).read_bytes() == b'{"result":1}'
    assert replayer.calls == [
        Call(
            "/predict",
            "a=1",
            [("content-type", "application/json")],
            job.id,
            "user:ada",
            office.files.body(folder),
        )
    ]


def test_error_of_the_route_is_the_jobs(office: Office) -> None:
    office.take()
    outcome = failed(office, answering(422, b'{"success":false,"code":"invalid_field"}'))
    assert outcome == Outcome(422, error={"success": False, "code": "invalid_field"})


@pytest.mark.parametrize("content", [b"<html>", b"[1]"])
def test_error_that_is_not_ours_is_told_as_it_is(office: Office, content: bytes) -> None:
    office.take()
    outcome = failed(office, answering(502, content))
    assert (outcome.status, outcome.error["detail"]) == (502, content.decode())


def test_body_that_is_gone_fails_the_job(office: Office) -> None:
    job = office.take().job
    office.files.remove(read_work(job).folder)
    assert failed(office, answering(200, b"")).error["code"] == "body_gone"


def test_volume_that_is_full_fails_the_job(office: Office) -> None:
    office.take()
    full = ScriptedReplayer(lambda _: OSError(28, "no space"))
    assert failed(office, full).error["code"] == "jobs_volume_full"
