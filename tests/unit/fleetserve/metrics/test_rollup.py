from fleetserve.metrics.rollup import ModelRollUp, RollUp, decode_rollup, encode_rollup


def test_rollup_survives_the_wire() -> None:
    model = ModelRollUp(3, 1, 0.5, {100: 2, 200: 1})
    sent = RollUp(17, "gateway", "g1", {"example": model}, {"in_flight": 2.0}, {"retries": 1.0})
    assert decode_rollup(encode_rollup(sent)) == sent


def test_model_gives_its_histogram() -> None:
    histogram = ModelRollUp(3, 0, 0.5, {100: 2, 200: 1}).histogram()
    assert (histogram.total, histogram.total_s) == (3, 0.5)
