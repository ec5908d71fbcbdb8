from pathlib import Path

import pytest

from inference_svc.texts.footprint import loaded_per_stored


@pytest.mark.parametrize(
    ("config", "factor"),
    [
        ('{"torch_dtype": "bfloat16"}', 2),
        ('{"dtype": "float16"}', 2),
        ('{"torch_dtype": "float32"}', 1),
        ("{}", 1),
        ("[", 1),
    ],
)
def test_half_precision_takes_twice_its_size(tmp_path: Path, config: str, factor: int) -> None:
    (tmp_path / "config.json").write_text(config)
    assert loaded_per_stored(tmp_path) == factor


def test_without_a_config_the_size_is_expected(tmp_path: Path) -> None:
    assert loaded_per_stored(tmp_path) == 1
