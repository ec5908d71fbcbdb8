from gateway.jobs.transcript import MAX_TEXT, TranscriptReader
from gateway.jobs.work import Progress


def segment(text: str) -> bytes:
    return b'event: segment\ndata: {"text":"%s"}\n\n' % text.encode()


def progress(part: float) -> bytes:
    return b'event: progress\ndata: {"progress":%.2f}\n\n' % part


def test_progress_does_not_go_back_when_the_answer_begins_anew() -> None:
    noted: list[Progress] = []
    reader = TranscriptReader(noted.append)
    reader.write(segment("One") + progress(0.6))
    reader.seek(0)
    reader.truncate()
    reader.write(segment("Uno") + progress(0.3))
    assert noted == [Progress(part=0.6, text="One"), Progress(part=0.6, text="Uno")]


def test_what_is_no_event_stays_as_it_came() -> None:
    reader = TranscriptReader(lambda _: None)
    reader.write(b'{"success":')
    reader.write(b"false}")
    assert reader.getvalue() == b'{"success":false}'
    assert reader.result is None


def test_of_a_long_text_the_end_is_kept() -> None:
    noted: list[Progress] = []
    reader = TranscriptReader(noted.append)
    for _ in range(3):
        reader.write(segment("a" * (MAX_TEXT // 2)))
    reader.write(segment("end") + progress(0.5))
    assert len(noted[0].text) == MAX_TEXT
    assert noted[0].text.endswith(" end")
