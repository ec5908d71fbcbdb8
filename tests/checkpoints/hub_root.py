"""A folder of small checkpoints under the public repositories' names, for the hub server.

Models stand at OWNER/NAME, data sets at datasets/OWNER/NAME, spaces at spaces/OWNER/NAME; each
has a .hub.json with what the hub knows beyond the files.
"""

import json
from pathlib import Path

from tests.checkpoints.causal import write_gpt2, write_llama
from tests.checkpoints.speecht5 import WeightLayout, write_hifigan, write_speecht5
from tests.checkpoints.whisper import write_whisper
from tests.checkpoints.xvectors import write_xvector_dataset, write_xvector_space

SPEECHT5 = "microsoft/speecht5_tts"
SPEECHT5_SAFETENSORS = "fleetserve-tests/speecht5_tts_safetensors"
HIFIGAN = "microsoft/speecht5_hifigan"
WHISPER = "openai/whisper-base"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
GPT2 = "openai-community/gpt2"
XVECTOR_DATASET = "datasets/Matthijs/cmu-arctic-xvectors"
XVECTOR_SPACE = "spaces/Matthijs/speecht5-tts-demo"


def _describe(folder: Path, pipeline_tag: str | None) -> None:
    facts = {} if pipeline_tag is None else {"pipeline_tag": pipeline_tag}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".hub.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


def write_hub_root(root: Path) -> None:
    """Every repository that the tests download; the same bytes always."""
    write_speecht5(root / SPEECHT5, WeightLayout.PICKLE_ONLY)
    write_speecht5(root / SPEECHT5_SAFETENSORS, WeightLayout.SAFETENSORS)
    write_hifigan(root / HIFIGAN)
    write_whisper(root / WHISPER)
    write_llama(root / SMOLLM2)
    write_gpt2(root / GPT2)
    write_xvector_dataset(root / XVECTOR_DATASET)
    write_xvector_space(root / XVECTOR_SPACE)
    tags = {
        SPEECHT5: "text-to-speech",
        SPEECHT5_SAFETENSORS: "text-to-speech",
        HIFIGAN: None,
        WHISPER: "automatic-speech-recognition",
        SMOLLM2: "text-generation",
        GPT2: "text-generation",
        XVECTOR_DATASET: None,
        XVECTOR_SPACE: None,
    }
    for repository, tag in tags.items():
        _describe(root / repository, tag)
