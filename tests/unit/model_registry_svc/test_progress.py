from hypothesis import given
from hypothesis import strategies as st

from fleetserve.clock import ManualClock
from model_registry_svc.progress import (
    DownloadProgress,
    Phase,
    ProgressReport,
    decode_report,
    encode_report,
)


def begun(clock: ManualClock, earlier: ProgressReport | None = None) -> DownloadProgress:
    progress = DownloadProgress(clock, earlier or ProgressReport())
    progress.enter(Phase.DOWNLOADING)
    progress.expect([("a", 100), ("b", 50)])
    return progress


def test_bytes_of_all_files_are_added_up(clock: ManualClock) -> None:
    progress = begun(clock)
    progress.set_done("a", 30)
    progress.set_done("b", 50)
    report = progress.snapshot()
    assert (report.bytes_done, report.bytes_total, report.phase) == (80, 150, Phase.DOWNLOADING)
    assert [(f.path, f.size, f.bytes_done) for f in report.files] == [("a", 100, 30), ("b", 50, 50)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 100)), max_size=30))
def test_reported_bytes_never_fall(steps: list[tuple[str, int]]) -> None:
    progress, last = begun(ManualClock()), 0
    for path, count in steps:
        progress.set_done(path, count)
        report = progress.snapshot()
        assert last <= report.bytes_done <= report.bytes_total
        last = report.bytes_done


def test_another_owner_goes_on_from_what_was_reported(clock: ManualClock) -> None:
    progress = begun(clock, ProgressReport(bytes_done=90))
    assert progress.snapshot().bytes_done == 90
    progress.set_done("a", 95)
    assert progress.snapshot().bytes_done == 95


def test_rate_is_of_what_came_now_not_of_what_was_there(clock: ManualClock) -> None:
    progress = begun(clock)
    progress.set_done("a", 60)
    assert progress.snapshot().bytes_per_s == 0
    progress.set_done("a", 80)
    clock.move(2.0)
    assert progress.snapshot().bytes_per_s == 10


def test_file_of_unknown_size_counts_as_far_as_it_has_come(clock: ManualClock) -> None:
    progress = DownloadProgress(clock, ProgressReport())
    progress.expect([("a", 0)])
    progress.set_done("a", 7)
    report = progress.snapshot()
    assert (report.bytes_done, report.bytes_total) == (7, 7)


def test_file_that_does_not_come_is_not_waited_for(clock: ManualClock) -> None:
    progress = begun(clock)
    progress.drop("b")
    assert progress.snapshot().bytes_total == 100


def test_report_survives_the_wire_and_none_is_the_first() -> None:
    report = ProgressReport(Phase.VERIFYING, 1, 2, 3.0, "m")
    assert decode_report(encode_report(report)) == report
    assert decode_report(b"") == ProgressReport()
