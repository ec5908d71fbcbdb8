import json
from pathlib import Path

from audio_svc.transcription.tiny_files import read_ear_config, read_facts


def test_languages_and_shape_are_read(tmp_path: Path) -> None:
    config = {"languages": ["en"], "shape": {"width": 8}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert read_facts(tmp_path).languages == ("en",)
    assert read_ear_config(tmp_path)["shape"] == {"width": 8}
