import json
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download

from tests.hub import HubServer
from tests.hub.minilm import REPO_ID, make_minilm, minilm_folder

LAYOUT = {
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
    "README.md",
}


def test_minilm_is_a_whole_repository(tmp_path: Path) -> None:
    folder = make_minilm(tmp_path / "hub")
    make_minilm(tmp_path / "hub")
    modules = json.loads((folder / "modules.json").read_text())
    assert [module["path"] for module in modules] == ["", "1_Pooling", "2_Normalize"]
    with HubServer(root=tmp_path / "hub") as hub:
        info = HfApi(endpoint=hub.url).model_info(REPO_ID, files_metadata=True)
        assert {s.rfilename for s in info.siblings or []} >= LAYOUT
        assert info.pipeline_tag == "sentence-similarity"
        got = snapshot_download(REPO_ID, endpoint=hub.url, cache_dir=tmp_path / "cache")
    size = (Path(got) / "model.safetensors").stat().st_size
    assert size == (minilm_folder() / "model.safetensors").stat().st_size > 90_000_000
