import pytest

from model_registry_svc.tensor_span import TensorSpan
from model_registry_svc.torchvision.layout import count, renamed, rule

A, B = TensorSpan("F32", (1,), 0), TensorSpan("F32", (2,), 4)
RULES = (rule(r"layer(\d+)\.(\d+)\.(\w+)", "stages.{1}.{2}.{3}", down=(1,)), rule("fc", "head"))


def test_names_are_changed_and_places_kept() -> None:
    assert renamed({"layer1.0.w": A, "fc": B}, RULES) == {"stages.0.0.w": A, "head": B}


def test_name_that_no_rule_knows_is_told() -> None:
    with pytest.raises(ValueError, match=r"layer1\.0\.w\.x is no tensor"):
        renamed({"fc": B, "layer1.0.w.x": A}, RULES)


def test_numbers_among_names_are_counted() -> None:
    names = dict.fromkeys(("layer1.0.w", "layer1.11.w", "layer2.30.w"), A)
    assert count(names, r"layer1\.(\d+)\.") == 12
    assert count(names, r"layer3\.(\d+)\.") == 0
