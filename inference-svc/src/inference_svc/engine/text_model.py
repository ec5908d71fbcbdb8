"""A transformer over texts with whatever head: reads, tokenises, pads and runs."""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch

from inference_svc.engine.checkpoint import load_checkpoint, module_bytes
from inference_svc.engine.text_encoding import TextEncoder, TokenRow, load_encoder, pad_rows
from inference_svc.engine.torch_errors import device_errors

# An input may be many rows (windows of a long text, labels to try): so many padded tokens go in
# one step, and other models compute in between.
STEP_TOKENS = 4096

R = TypeVar("R")
Reader = Callable[[Any, Sequence[TokenRow]], Sequence[R]]
"""From a padded batch's outputs and its rows to what is kept of each, on the CPU."""


class TextModel:
    """One model and its tokenizer; ``encoder``, ``config`` and ``module`` are valid after load().

    Args:
        kind: One of transformers' Auto classes.
        truncation: Which of a pair is cut: longest_first, only_first or only_second.
    """

    def __init__(
        self, kind: Any, folder: Path, device: str, *, truncation: str = "longest_first"
    ) -> None:
        self._kind = kind
        self._folder = folder
        self._device = device
        self._truncation = truncation
        self.module: Any = None

    def load(self) -> int:
        """Reads the files; the bytes of the weights."""
        self.module, _ = load_checkpoint(self._kind, self._folder, self._device)
        self.config: Any = self.module.config
        self.encoder: TextEncoder = load_encoder(
            self._folder, None, positions(self.config), truncation=self._truncation
        )
        if self.config.pad_token_id is None:
            # Decoders with a classifying head find the last token by it.
            self.config.pad_token_id = self.encoder.pad_id
        return module_bytes(self.module)

    def unload(self) -> None:
        self.module = None

    def run(self, rows: Sequence[TokenRow], read: Reader[R]) -> Generator[None, None, list[R]]:
        """Per row what ``read`` keeps of it; rests where it is much.

        Rows of near lengths go together, so that little is padded.
        """
        order = sorted(range(len(rows)), key=lambda place: len(rows[place].ids))
        found: dict[int, R] = {}
        while order:
            size = max(1, STEP_TOKENS // len(rows[order[-1]].ids))
            places, order = order[-size:], order[:-size]
            chosen = [rows[place] for place in places]
            with torch.inference_mode(), device_errors():
                inputs = pad_rows(chosen, self.encoder.pad_id, self._device)
                kept = read(self.module(**inputs), chosen)
            found.update(zip(places, kept, strict=True))
            if order:
                yield
        return [found[place] for place in range(len(rows))]


def positions(config: Any) -> int | None:
    """Tokens that the model can place; None: not bounded."""
    limit = getattr(config, "max_position_embeddings", None)
    if limit and config.model_type in _OFFSET_POSITIONS:
        # Their positions begin after the padding's id.
        return int(limit) - 2
    return limit


_OFFSET_POSITIONS = frozenset(
    {
        *("roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "roberta-prelayernorm"),
        *("longformer", "mpnet", "data2vec-text", "xmod", "luke", "ibert", "markuplm"),
    }
)
