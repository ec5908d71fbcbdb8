from audio_svc.api.server_sent_events import event


def test_event_is_one_line_of_json_and_an_empty_one() -> None:
    assert event({"type": "x", "text": "a\nb"}) == b'data: {"type":"x","text":"a\\nb"}\n\n'
