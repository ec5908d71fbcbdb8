from gateway.autoscaler_report import ask_autoscaler
from tests.unit.gateway.fleet import Fleet, announced, answering, failing

SERVICE = "autoscaler-svc"


async def test_report_is_the_autoscalers_own(fleet: Fleet) -> None:
    told = (
        b'{"success":false,"healthy":false,"state":"waiting","timestamp":"","asleep":["audio-svc"],'
        b'"components":{"engine":{"healthy":false,"detail":"away"}}}'
    )
    fleet.add(answering(told, status=503), announced("s1", service=SERVICE))
    report = await ask_autoscaler(fleet.table, fleet.calls)
    assert report.as_json() == {
        "healthy": False,
        "state": "waiting",
        "components": {"engine": {"healthy": False, "detail": "away"}},
    }
    assert report.asleep == {"audio-svc"}
    assert fleet.upstream.sent[0].target == "/autoscaler/health"


async def test_autoscaler_that_is_not_there_is_not_running(fleet: Fleet) -> None:
    report = await ask_autoscaler(fleet.table, fleet.calls)
    assert (report.healthy, report.state) == (False, "not running")


async def test_autoscaler_that_does_not_answer_says_why(fleet: Fleet) -> None:
    fleet.add(failing(sent=False), announced("s1", service=SERVICE))
    report = await ask_autoscaler(fleet.table, fleet.calls)
    assert (report.healthy, report.state) == (False, "not answering")
    assert "refused" in report.components["detail"]


async def test_answer_of_another_release_is_not_understood(fleet: Fleet) -> None:
    fleet.add(answering(b'{"ok":1}'), announced("s1", service=SERVICE))
    report = await ask_autoscaler(fleet.table, fleet.calls)
    assert (report.healthy, report.state, report.asleep) == (False, "not understood", frozenset())
