from typing import BinaryIO

import msgspec
import pytest

from fleetserve.jobs.runner import JobFailedError
from gateway.jobs.replay import Answered, Call
from gateway.jobs.request_handler import RequestHandler
from gateway.jobs.work import Outcome, Progress, read_work
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


class EventReplayer(ScriptedReplayer):
    """Answers with events, one answer after the other."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(lambda _: (200, b""))
        self._left = list(answers)

    async def replay(self, call: Call, out: BinaryIO) -> Answered:
        self.calls.append(call)
        out.seek(0)
        out.truncate()
        content = self._left.pop(0)
        for place in range(0, len(content), 7):
            out.write(content[place : place + 7])
        return Answered(200, "text/event-stream")


FIRST = b'event: segment\ndata: {"text":"One"}\n\nevent: progress\ndata: {"progress":0.5}\n\n'
LAST = b'event: segment\ndata: {"text":"two."}\n\nevent: progress\ndata: {"progress":1.0}\n\n'
DONE = b'event: done\ndata: {"text":"One two."}\n\n'
BROKEN = b'\n\nevent: error\ndata: {"code":"upstream_lost"}\n\n'


def test_transcription_tells_how_far_it_is_and_what_was_heard(office: Office) -> None:
    office.take(work=msgspec.structs.replace(predict_work(), route="/transcribe"))
    claimed = office.claim()
    replayer = EventReplayer(FIRST + BROKEN, FIRST + LAST + DONE)
    outcome = msgspec.json.decode(handler(office, replayer).run(claimed), type=Outcome)
    assert (outcome.status, outcome.content_type) == (200, "application/json")
    folder = read_work(claimed.job).folder
    assert office.files.result(folder, outcome.file).read_bytes() == b'{"text":"One two."}'
    assert [dict(call.headers)["accept"] for call in replayer.calls] == ["text/event-stream"] * 2
    progress = msgspec.json.decode(claimed.reporter(), type=Progress)
    assert progress == Progress(part=1.0, text="One two.")


def test_transcription_in_another_format_is_that_file(office: Office) -> None:
    office.take(work=msgspec.structs.replace(predict_work(), route="/transcribe"))
    claimed = office.claim()
    done = b'event: done\ndata: {"content_type":"text/vtt","content":"WEBVTT"}\n\n'
    outcome = msgspec.json.decode(handler(office, EventReplayer(done)).run(claimed), type=Outcome)
    assert outcome.content_type == "text/vtt"
    folder = read_work(claimed.job).folder
    assert office.files.result(folder, outcome.file).read_bytes() == b"WEBVTT"


@pytest.mark.parametrize(
    ("answers", "code"),
    [([FIRST + BROKEN] * 5, "upstream_lost"), ([b'event: error\ndata: {"code":"x"}\n\n'], "x")],
)
def test_transcription_that_fails_in_its_middle_is_a_failed_job(
    office: Office, answers: list[bytes], code: str
) -> None:
    office.take(work=msgspec.structs.replace(predict_work(), route="/transcribe"))
    outcome = failed(office, EventReplayer(*answers))
    assert (outcome.status, outcome.error["code"]) == (502, code)


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
