from audio_svc.meter import RECENT, AudioMeter, Pace


def test_pace_reports_measured_real_time_factors() -> None:
    pace = Pace()
    pace.count(audio_s=2.0, processing_s=1.0, compute_s=0.5)
    pace.count(audio_s=2.0, processing_s=0.6, compute_s=0.3)
    report = pace.report()
    assert report["requests"] == 2
    assert report["real_time_factor"] == 0.4
    assert report["compute_real_time_factor"] == 0.2


def test_pace_without_a_request_reports_no_factor() -> None:
    assert Pace().report()["real_time_factor"] is None


def test_kinds_are_counted_apart() -> None:
    meter = AudioMeter()
    meter.synthesis.count(1.0, 1.0, 1.0)
    assert meter.transcription.requests == 0


def test_tiles_look_back_on_the_last_requests() -> None:
    meter = AudioMeter()
    speech, transcripts = meter.tiles()
    assert (speech().value, transcripts().value) == ("–", "–")
    meter.synthesis.count(1.0, 100.0, 1.0)
    for _ in range(RECENT):
        meter.synthesis.count(2.0, 0.5, 0.5)
    assert speech().value == "0.250"
    assert transcripts().value == "–"
