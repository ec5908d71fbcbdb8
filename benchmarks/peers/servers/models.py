"""The two models every server of this benchmark runs: MiniLM's embedding of texts, and a sum.

Imports torch and transformers alone, since it runs in each peer's own environment.
"""

import os
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

THREADS = int(os.environ.get("TORCH_THREADS", "1"))
MAX_TOKENS = 256


class Embedder:
    """Mean-pooled, normalised vectors, as all-MiniLM-L6-v2's own files say."""

    def __init__(self) -> None:
        torch.set_num_threads(THREADS)
        folder = os.environ["MINILM"]
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        self([f"{n} words make a warm-up" for n in range(8)])

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """float32 [384] per text, as lists, since every one of these servers answers JSON."""
        rows = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        with torch.inference_mode():
            tokens = self._model(**rows).last_hidden_state
            mask = rows["attention_mask"].unsqueeze(-1).to(tokens.dtype)
            vectors = (tokens * mask).sum(1) / mask.sum(1)
            vectors = torch.nn.functional.normalize(vectors, dim=-1)
        result: list[list[float]] = vectors.tolist()
        return result


def tensor_mean(data: bytes) -> float:
    """The mean of a raw little-endian float32 tensor."""
    return float(torch.frombuffer(bytearray(data), dtype=torch.float32).mean())
