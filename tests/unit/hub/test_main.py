import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError


def test_command_serves_a_folder_tree_and_stops_on_sigterm(tmp_path: Path) -> None:
    model, dataset = tmp_path / "acme/tiny", tmp_path / "datasets/acme/rows"
    for folder in (model, dataset):
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
    (model / ".hub.json").write_text(
        json.dumps({"pipeline_tag": "text-to-speech", "gated": "auto"})
    )
    command = [sys.executable, "-m", "tests.hub", "--root", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("hub ready at http://127.0.0.1:")
            api = HfApi(endpoint=line.split()[-1], token=False)
            info = api.model_info("acme/tiny")
            assert (info.pipeline_tag, info.gated) == ("text-to-speech", "auto")
            assert [s.rfilename for s in info.siblings or []] == ["config.json"]
            assert api.dataset_info("acme/rows").id == "acme/rows"
            outside = httpx.get(f"{line.split()[-1]}/api/models/../etc")
            assert outside.status_code in {401, 404}
            with pytest.raises(GatedRepoError):
                api.hf_hub_download("acme/tiny", "config.json", cache_dir=tmp_path / "cache")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
