from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from tests.checkpoints.causal_tokenizer import END, VOCABULARY_SIZE, make_tokenizer
from tests.checkpoints.hub_root import GPT2, SMOLLM2


def test_any_text_comes_back() -> None:
    tokenizer = make_tokenizer()
    assert tokenizer.get_vocab_size() == VOCABULARY_SIZE
    for text in ("the quick brown fox", "naïve 🙂 你好\n\n", "\x00\x7f"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_the_library_reads_it_and_its_chats(hub_root: Path) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(hub_root / SMOLLM2)
    assert tokenizer.eos_token == END
    chat = [{"role": "user", "content": "hi"}]
    text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    assert text == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    plain: Any = AutoTokenizer.from_pretrained(hub_root / GPT2)
    assert plain.chat_template is None
