"""The character tokenizer of microsoft/speecht5_tts, trained on the spot."""

import io
import json
from pathlib import Path

import sentencepiece

TRAINING_TEXT = (
    "the quick brown fox jumps over the lazy dog",
    "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG",
    "Hello, this is a test of the text-to-speech system. It's fine; isn't it?",
    "one two three: 'yes' (no) \"well\" - so! a/b",
)

# The published vocabulary: 79 characters, then two tokens that only training needs.
MASK_TOKEN_ID = 79
BLANK_TOKEN_ID = 80


def train_character_model() -> bytes:
    """A sentencepiece character model with the published special ids (0 to 3)."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TRAINING_TEXT * 4),
        model_writer=model,
        model_type="char",
        vocab_size=MASK_TOKEN_ID,
        hard_vocab_limit=False,
        character_coverage=1.0,
        bos_id=0,
        pad_id=1,
        eos_id=2,
        unk_id=3,
        minloglevel=2,
    )
    return model.getvalue()


def write_speecht5_tokenizer(folder: Path) -> None:
    """The five tokenizer and feature extractor files, named as in the public repo."""
    (folder / "spm_char.model").write_bytes(train_character_model())
    documents: dict[str, object] = {
        "added_tokens.json": {"<ctc_blank>": BLANK_TOKEN_ID, "<mask>": MASK_TOKEN_ID},
        "special_tokens_map.json": {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "mask_token": {
                "content": "<mask>",
                "lstrip": True,
                "normalized": True,
                "rstrip": False,
                "single_word": False,
            },
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
        "tokenizer_config.json": {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "model_max_length": 600,
            "pad_token": "<pad>",
            "processor_class": "SpeechT5Processor",
            "sp_model_kwargs": {},
            "special_tokens_map_file": None,
            "tokenizer_class": "SpeechT5Tokenizer",
            "unk_token": "<unk>",
        },
        "preprocessor_config.json": {
            "do_normalize": False,
            "feature_extractor_type": "SpeechT5FeatureExtractor",
            "feature_size": 1,
            "fmax": 7600,
            "fmin": 80,
            "frame_signal_scale": 1.0,
            "hop_length": 16,
            "mel_floor": 1e-10,
            "num_mel_bins": 80,
            "padding_side": "right",
            "padding_value": 0.0,
            "processor_class": "SpeechT5Processor",
            "reduction_factor": 2,
            "return_attention_mask": True,
            "sampling_rate": 16000,
            "win_function": "hann_window",
            "win_length": 64,
        },
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
