"""A checkpoint's tokenizer and chat template, safely from several threads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tokenizers
from jinja2 import TemplateError
from transformers import AutoTokenizer

from fleetserve.errors import InvalidFieldError
from inference_svc.generation.base import Message

# What templates raise when a message has not the shape they expect.
_TEMPLATE_ERRORS = (TemplateError, TypeError, ValueError, KeyError, AttributeError)


class Vocabulary:
    """Texts and chats to tokens, tokens to text."""

    def __init__(self, folder: Path) -> None:
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        self._tokenizer = tokenizer
        self.end_id: int | None = tokenizer.eos_token_id
        self.has_chat = tokenizer.chat_template is not None
        backend = getattr(tokenizer, "backend_tokenizer", None)
        # A copy, so that nobody else's padding or truncation reaches it.
        self._backend = None if backend is None else _copy(backend)

    def encode(self, text: str, *, special: bool = True) -> list[int]:
        """The tokens of a text, none cut off.

        Args:
            text: What is to be read.
            special: With what the model expects at the beginning. A chat's template writes it.
        """
        if self._backend is None:
            found: list[int] = self._tokenizer(text, add_special_tokens=special)["input_ids"]
            return found
        return self._backend.encode(text, add_special_tokens=special).ids

    def encode_prompt(self, text: str) -> list[int]:
        """As encode; for a text of no tokens the one that stands before any text, if there is."""
        ids = self.encode(text)
        begin = self._tokenizer.bos_token_id
        return ids if ids or begin is None else [begin]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens, special ones left out."""
        if self._backend is None:
            text: str = self._tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            return text
        return self._backend.decode(list(ids), skip_special_tokens=True)

    def token_text(self, id_: int) -> str:
        """A token by itself, special ones too."""
        if self._backend is None:
            text: str = self._tokenizer.decode([id_], clean_up_tokenization_spaces=False)
            return text
        return self._backend.decode([id_], skip_special_tokens=False)

    def render_chat(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None
    ) -> str:
        """What the model's template makes of a chat, up to the assistant's turn.

        Raises: InvalidFieldError: there is no template, or it refuses these messages.
        """
        if not self.has_chat:
            raise InvalidFieldError(
                "inputs",
                "this model has no chat template; send a string, or use one that was made for "
                "chats (their names often end in -Instruct or -it)",
            )
        try:
            text: str = self._tokenizer.apply_chat_template(
                [dict(message) for message in messages],
                tools=None if tools is None else [dict(tool) for tool in tools],
                add_generation_prompt=True,
                tokenize=False,
            )
        except _TEMPLATE_ERRORS as exc:
            raise InvalidFieldError(
                "inputs", f"the model's chat template refuses these messages: {exc}"
            ) from None
        return text


def _copy(backend: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    copy = tokenizers.Tokenizer.from_str(backend.to_str())
    copy.no_padding()
    copy.no_truncation()
    return copy
