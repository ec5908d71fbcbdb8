"""A byte-level BPE in the files of public causal models, with a chat template."""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY_SIZE = 512
BEGIN, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
SPECIAL = (PAD, BEGIN, END)

# As SmolLM2-Instruct's: turns between two marks.
CHAT_TEMPLATE = """\
{% for message in messages %}\
{% if message['role'] not in ('system', 'user', 'assistant', 'tool') %}\
{{ raise_exception("roles are system, user, assistant and tool, not " + message['role']) }}\
{% endif %}\
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""

# What the merges are learned from; the words are what these models then write.
CORPUS = (
    "the quick brown fox jumps over the lazy dog while seven wizards quietly brew strong coffee",
    "a long winter night brings snow to the valley and the old mill stands still under the moon",
    "she asked how many apples there were, and he answered that nobody had counted them yet",
    "ships sail east at dawn; their captains read the stars, the wind, and each other's minds",
    "user assistant system hello good morning what is the answer to this question about numbers",
    "naïve café über straße señor déjà vu ¿qué? ¡hola! 你好 世界 こんにちは привет мир 🙂🎉",
)


def make_tokenizer() -> Tokenizer:
    """The same tokens always: 256 bytes, merges, and the special ones first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def write_causal_tokenizer(folder: Path, *, chat: bool, max_tokens: int) -> None:
    """tokenizer.json, its companions, and chat_template.jinja for a chat model."""
    folder.mkdir(parents=True, exist_ok=True)
    make_tokenizer().save(str(folder / "tokenizer.json"))
    ends = {"bos_token": PAD, "eos_token": END if chat else PAD, "unk_token": PAD}
    if chat:
        ends["pad_token"] = PAD
        (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    settings = {
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": max_tokens,
        "tokenizer_class": "PreTrainedTokenizerFast" if chat else "GPT2Tokenizer",
        **ends,
    }
    _write_json(folder / "tokenizer_config.json", settings)
    _write_json(folder / "special_tokens_map.json", ends)
    document = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    _write_json(folder / "vocab.json", document["model"]["vocab"])
    merges = [
        " ".join(merge) if isinstance(merge, list) else merge
        for merge in document["model"]["merges"]
    ]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", "utf-8")


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
