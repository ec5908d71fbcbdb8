import msgspec
import orjson
import pytest

from fleetserve.jobs.ledger.base import JobState
from fleetserve.jobs.runner import JobFailedError
from gateway.jobs.batch_handler import BatchHandler
from gateway.jobs.replay import Call
from gateway.jobs.work import Outcome, Progress, read_work
from tests.unit.gateway.jobs.conftest import Office
from tests.unit.gateway.jobs.working import LoopHere, ScriptedReplayer, heard_link

LINES = b"".join(b"%d\n" % number for number in range(20))


def echo(call: Call) -> tuple[int, bytes]:
    """The input itself; odd ones fail."""
    assert isinstance(call.body, bytes)
    value = orjson.loads(call.body)["inputs"]
    if value % 2:
        return 422, b'{"success":false,"code":"odd"}'
    return 200, orjson.dumps({"result": value})


def handler(office: Office, replayer: ScriptedReplayer) -> BatchHandler:
    return BatchHandler(LoopHere(), heard_link(), replayer, office.files, window=4)


def run(office: Office, replayer: ScriptedReplayer) -> tuple[Outcome, list[dict[str, object]]]:
    leased = office.claim()
    outcome = msgspec.json.decode(handler(office, replayer).run(leased), type=Outcome)
    content = office.files.result(read_work(leased.job).folder, outcome.file).read_bytes()
    assert outcome.size == len(content)
    assert msgspec.json.decode(leased.reporter(), type=Progress) == Progress(20)
    return outcome, [orjson.loads(line) for line in content.splitlines()]


def test_results_stand_in_the_lines_order_with_errors_in_their_places(office: Office) -> None:
    job = office.take_lines(LINES, 20).job
    replayer = ScriptedReplayer(echo)
    outcome, lines = run(office, replayer)
    assert [line["index"] for line in lines] == list(range(20))
    assert [line.get("result") for line in lines[::2]] == list(range(0, 20, 2))
    assert all("odd" in str(line["error"]) for line in lines[1::2])
    assert (outcome.failed_lines, outcome.content_type) == (10, "application/x-ndjson")
    assert {call.request_id for call in replayer.calls} == {f"{job.id}:{n}" for n in range(20)}


def test_line_that_is_no_json_costs_its_own_place_only(office: Office) -> None:
    office.take_lines(LINES.replace(b"4\n", b"{4\n", 1), 20)
    outcome, lines = run(office, ScriptedReplayer(echo))
    assert "invalid_json" in str(lines[4]["error"])
    assert outcome.failed_lines == 11


def test_no_more_lines_are_sent_at_once_than_the_window(office: Office) -> None:
    office.take_lines(LINES, 20)
    seen: list[int] = []

    def answer(call: Call) -> tuple[int, bytes]:
        seen.append(len(replayer.calls) - len(seen))
        return echo(call)

    replayer = ScriptedReplayer(answer)
    run(office, replayer)
    assert max(seen) <= 4


def test_next_owner_goes_on_behind_the_last_whole_line(office: Office) -> None:
    job = office.take_lines(LINES, 20).job
    leased = office.claim()
    first = office.files.new_result(read_work(job).folder, leased.lease.fence)
    first.write_bytes(b'{"index":0,"result":0}\n{"index":1,"error":{"status":422}}\n{"ind')
    office.ledger.settle(leased.lease, JobState.QUEUED, b"")
    replayer = ScriptedReplayer(echo)
    outcome, lines = run(office, replayer)
    assert outcome.file == "result.2"
    assert [line["index"] for line in lines] == list(range(20))
    assert outcome.failed_lines == 10
    assert len(replayer.calls) == 18
    assert first.read_bytes().endswith(b'{"ind')


def test_failure_of_the_worker_itself_fails_the_job(office: Office) -> None:
    office.take_lines(LINES, 20)
    full = ScriptedReplayer(lambda _: OSError(28, "no space"))
    with pytest.raises(JobFailedError) as caught:
        handler(office, full).run(office.claim())
    assert b"jobs_volume_full" in caught.value.result


def test_body_that_is_gone_fails_the_job(office: Office) -> None:
    job = office.take_lines(LINES, 20).job
    office.files.remove(read_work(job).folder)
    with pytest.raises(JobFailedError) as caught:
        handler(office, ScriptedReplayer(echo)).run(office.claim())
    assert b"body_gone" in caught.value.result
