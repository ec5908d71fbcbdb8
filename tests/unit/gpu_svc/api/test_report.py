from html.parser import HTMLParser

from gpu_svc.api.answers import GpuReportAnswer
from gpu_svc.api.rendering import best_answer, config_answer, detect_answer, timestamp_of
from gpu_svc.api.report import html_report, sections, text_report
from gpu_svc.benchmark.base import Measurement
from gpu_svc.ranking import Need
from tests.unit.gpu_svc.conftest import make_devices


async def make_report(recording: str | None) -> GpuReportAnswer:
    devices = make_devices(recording)
    look = await devices.look()
    return GpuReportAnswer(
        timestamp=timestamp_of(look),
        detect=detect_answer(look, [Measurement("cpu", 9.5, 0.1, "one <thread>")]),
        best=best_answer(look, Need()),
        config=config_answer(look, await devices.plan(), "auto"),
        config_problem="",
    )


async def test_text_and_page_say_the_same() -> None:
    report = await make_report("h200")
    text, page = text_report(report), html_report(report)
    for title, rows in sections(report):
        assert title in text
        assert title in page
        for _, value in rows:
            assert value in text
    assert "143771 MiB" in text.replace("of 143771", "143771")


async def test_values_are_escaped_in_the_page() -> None:
    page = html_report(await make_report(None))
    assert "one &lt;thread&gt;" in page
    assert "<thread>" not in page


async def test_page_fetches_and_runs_nothing() -> None:
    seen: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.add(tag)
            assert not {name for name, _ in attrs} & {"src", "href", "style"}

    Tags().feed(html_report(await make_report("rtx_4090")))
    assert not seen & {"script", "style", "link", "img"}


async def test_a_missing_device_is_told() -> None:
    report = (await make_report("t4")).model_copy(
        update={"config": None, "config_problem": "DEVICE=mps was asked for and is not there"}
    )
    assert "DEVICE=mps was asked for" in text_report(report)
