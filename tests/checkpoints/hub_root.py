"""A folder of small checkpoints under the public repositories' names, for the hub server.

Models stand at OWNER/NAME, data sets at datasets/OWNER/NAME, spaces at spaces/OWNER/NAME; each
has a .hub.json with what the hub knows beyond the files.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from fleetserve.tasks import Task
from tests.checkpoints import text2text, text_models, vision
from tests.checkpoints.bark import write_bark
from tests.checkpoints.causal import write_gpt2, write_llama
from tests.checkpoints.encodec import write_encodec
from tests.checkpoints.speecht5 import WeightLayout, write_hifigan, write_speecht5
from tests.checkpoints.tacotron2 import write_speechbrain, write_speechbrain_vocoder
from tests.checkpoints.vallex import write_vallex
from tests.checkpoints.vits import write_mms_korean, write_vctk, write_vits
from tests.checkpoints.wav2vec2 import write_wav2vec2
from tests.checkpoints.whisper import write_whisper
from tests.checkpoints.xvectors import write_xvector_dataset, write_xvector_space

SPEECHT5 = "microsoft/speecht5_tts"
SPEECHT5_SAFETENSORS = "fleetserve-tests/speecht5_tts_safetensors"
HIFIGAN = "microsoft/speecht5_hifigan"
BARK = "suno/bark-small"
MMS_ENGLISH = "facebook/mms-tts-eng"
MMS_KOREAN = "facebook/mms-tts-kor"
TACOTRON2 = "speechbrain/tts-tacotron2-ljspeech"
TACOTRON2_VOCODER = "speechbrain/tts-hifigan-ljspeech"
VALLEX = "Plachta/VALL-E-X"
ENCODEC = "facebook/encodec_24khz"
VCTK = "kakao-enterprise/vits-vctk"
WHISPER = "openai/whisper-base"
WAV2VEC2 = "facebook/wav2vec2-base-960h"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
GPT2 = "openai-community/gpt2"
XVECTOR_DATASET = "datasets/Matthijs/cmu-arctic-xvectors"
XVECTOR_SPACE = "spaces/Matthijs/speecht5-tts-demo"


BY_TASK: dict[str, tuple[str, Callable[[Path], None]]] = {
    "distilbert/distilbert-base-uncased-finetuned-sst-2-english": (
        Task.TEXT_CLASSIFICATION,
        text_models.write_sentiment,
    ),
    "dslim/bert-base-NER": (Task.TOKEN_CLASSIFICATION, text_models.write_ner),
    "deepset/roberta-base-squad2": (Task.QUESTION_ANSWERING, text_models.write_squad),
    "facebook/bart-large-mnli": (Task.ZERO_SHOT_CLASSIFICATION, text_models.write_mnli),
    "google-bert/bert-base-uncased": (Task.FILL_MASK, text_models.write_bert),
    "distilbert/distilroberta-base": (Task.FILL_MASK, text_models.write_roberta),
    "facebook/bart-large-cnn": (Task.SUMMARIZATION, text2text.write_bart_cnn),
    "Helsinki-NLP/opus-mt-en-de": (Task.TRANSLATION, text2text.write_marian),
    "facebook/mbart-large-50-many-to-many-mmt": (Task.TRANSLATION, text2text.write_mbart),
    "google-t5/t5-small": (Task.TRANSLATION, text2text.write_t5),
    "google/flan-t5-small": (Task.TEXT2TEXT_GENERATION, text2text.write_flan),
    "google/vit-base-patch16-224": (Task.IMAGE_CLASSIFICATION, vision.write_vit),
    "microsoft/resnet-50": (Task.IMAGE_CLASSIFICATION, vision.write_resnet),
    "hustvl/yolos-tiny": (Task.OBJECT_DETECTION, vision.write_yolos),
    "facebook/detr-resnet-50": (Task.OBJECT_DETECTION, vision.write_detr),
    "facebook/dinov2-small": (Task.IMAGE_FEATURE_EXTRACTION, vision.write_dinov2),
}


SPEECH: dict[str, Callable[[Path], None]] = {
    BARK: write_bark,
    MMS_ENGLISH: write_vits,
    MMS_KOREAN: write_mms_korean,
    TACOTRON2: write_speechbrain,
    TACOTRON2_VOCODER: write_speechbrain_vocoder,
    VALLEX: write_vallex,
    VCTK: write_vctk,
}


BRANCHES = {"facebook/detr-resnet-50": ("no_timm",)}


def _describe(folder: Path, pipeline_tag: str | None, branches: Sequence[str] = ()) -> None:
    facts: dict[str, object] = {} if pipeline_tag is None else {"pipeline_tag": pipeline_tag}
    if branches:
        facts["branches"] = branches
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".hub.json").write_text(json.dumps(facts) + "\n", encoding="utf-8")


def write_hub_root(root: Path) -> None:
    """Every repository that the tests download; the same bytes always."""
    write_speecht5(root / SPEECHT5, WeightLayout.PICKLE_ONLY)
    write_speecht5(root / SPEECHT5_SAFETENSORS, WeightLayout.SAFETENSORS)
    write_hifigan(root / HIFIGAN)
    write_encodec(root / ENCODEC)
    write_whisper(root / WHISPER)
    write_wav2vec2(root / WAV2VEC2)
    write_llama(root / SMOLLM2)
    write_gpt2(root / GPT2)
    write_xvector_dataset(root / XVECTOR_DATASET)
    write_xvector_space(root / XVECTOR_SPACE)
    tags = {
        SPEECHT5: "text-to-speech",
        SPEECHT5_SAFETENSORS: "text-to-speech",
        HIFIGAN: None,
        ENCODEC: None,
        WHISPER: "automatic-speech-recognition",
        WAV2VEC2: "automatic-speech-recognition",
        SMOLLM2: "text-generation",
        GPT2: "text-generation",
        XVECTOR_DATASET: None,
        XVECTOR_SPACE: None,
    }
    for repository, tag in tags.items():
        _describe(root / repository, tag)
    for repository, write_speech in SPEECH.items():
        write_speech(root / repository)
        _describe(root / repository, "text-to-speech")
    for repository, (task, write) in BY_TASK.items():
        write(root / repository)
        _describe(root / repository, task, BRANCHES.get(repository, ()))
