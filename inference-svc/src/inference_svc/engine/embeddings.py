"""feature-extraction and sentence-similarity: one vector per text."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModel
from transformers.utils.logging import disable_progress_bar

from fleetserve.errors import InvalidFieldError
from inference_svc.device import storage_bytes
from inference_svc.engine.base import EngineInfo, InputKind, Prepared, TensorSpec
from inference_svc.engine.packing import Packing, find_packing
from inference_svc.engine.pooling import load_dense, pool
from inference_svc.engine.sentence_layout import POOLING_MODES, SentenceLayout, read_layout
from inference_svc.engine.text_encoding import TextEncoder, TokenRow, load_encoder, pad_rows
from inference_svc.engine.torch_errors import device_errors
from inference_svc.inputs import TokenIds

WARM_UP_TEXT = "A short sentence is enough to make the kernels ready."
# Of different lengths, for how a batch may be laid out.
PACKED_TEXTS = (WARM_UP_TEXT, "A word.", "Neither of the two is as long as this third one is.")


@dataclass(frozen=True, slots=True)
class Options:
    """What a request may choose.

    Attributes:
        modes: None: a vector per token, as the model made it.
        dimensions: How many of a vector's numbers, before it is normalised; None: all.
    """

    modes: tuple[str, ...] | None
    normalize: bool
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    tokens: TokenRow
    options: Options


class EmbeddingsEngine:
    """Pooled and normalised as the repo's own sentence-transformers files say.

    Results are float32 [width] per text, or float32 [tokens, width] with ``pooling`` none.
    Source: sentence-transformers' definition of encode().
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(InputKind.TEXT, rank=0, device=device, dtype="float32")
        self._folder = folder
        self._device = device
        self._model: Any = None
        self._dense: list[nn.Module] = []
        self._packing: Packing | None = None

    def load(self) -> int:
        disable_progress_bar()  # type: ignore[no-untyped-call]
        layout = read_layout(self._folder)
        model: Any = AutoModel.from_pretrained(
            layout.transformer,
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float32,
            weights_only=True,
        )
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        self._encoder: TextEncoder = load_encoder(
            layout.transformer,
            layout.max_tokens,
            getattr(model.config, "max_position_embeddings", None),
        )
        self._layout: SentenceLayout = layout
        self._default = Options(layout.pooling, layout.normalize)
        self._model = model.eval().to(self._device)
        self._dense = [load_dense(path).eval().to(self._device) for path in layout.dense]
        modules: list[nn.Module] = [self._model, *self._dense]
        return storage_bytes([t for m in modules for t in (*m.parameters(), *m.buffers())])

    def warm_up(self) -> None:
        self._pack()
        row = self.prepare(WARM_UP_TEXT, self._default)
        for size in (1, 8):
            vector: Any = self.predict_batch([row] * size)[0]
        spec = TensorSpec("embedding", "float32", vector.shape)
        self.info = replace(self.info, outputs=(spec,))

    def read_parameters(self, parameters: Mapping[str, object]) -> Any:
        if not parameters:
            return self._default
        for name in parameters:
            if name not in ("pooling", "normalize", "dimensions"):
                raise InvalidFieldError(
                    f"parameters.{name}",
                    "is not known; this model takes pooling, normalize and dimensions",
                )
        normalize = parameters.get("normalize", self._layout.normalize)
        if not isinstance(normalize, bool):
            raise InvalidFieldError("parameters.normalize", "takes true or false")
        dimensions = self._dimensions(parameters.get("dimensions"))
        return Options(self._modes(parameters.get("pooling")), normalize, dimensions)

    def prepare(self, value: Any, options: Any) -> Prepared:
        if isinstance(value, TokenIds):
            row = self._encoder.take(value.ids, self._model.config.vocab_size)
            return Prepared(_Row(row, options), len(row.ids))
        text = self._layout.prompt + value
        row = self._encoder.encode(text.lower() if self._layout.lower_case else text)
        if not len(row.ids):
            raise InvalidFieldError("inputs", "is empty; this model makes no token of it")
        return Prepared(_Row(row, options), len(row.ids), warning=row.warning)

    def predict_batch(self, batch: Sequence[Prepared]) -> Sequence[object]:
        rows: list[_Row] = [prepared.payload for prepared in batch]
        with torch.inference_mode(), device_errors():
            tokens, mask = self._encode([row.tokens for row in rows])
            # Rows with other options share the forward pass, which is nearly all of the cost.
            results: list[object] = [None] * len(rows)
            for options in dict.fromkeys(row.options for row in rows):
                places = [n for n, row in enumerate(rows) if row.options == options]
                found = self._finish(tokens, mask, options, places)
                for place, vector in zip(places, found, strict=True):
                    results[place] = vector
        return results

    @property
    def module(self) -> Any:
        return self._model

    def with_module(self, module: Any, dtype: str) -> "EmbeddingsEngine":
        other = copy.copy(self)
        other.info = replace(self.info, dtype=dtype)
        other._model = module  # noqa: SLF001 - its own class
        other._dense = list(self._dense)  # noqa: SLF001
        other._pack()  # noqa: SLF001
        return other

    def samples(self, texts: Sequence[str]) -> Sequence[Prepared]:
        return [self.prepare(text, self._default) for text in texts]

    def unload(self) -> None:
        self._model = self._packing = None
        self._dense.clear()

    def _pack(self) -> None:
        """Finds out whether this module can do without padding."""
        rows = [self.prepare(text, self._default).payload.tokens for text in PACKED_TEXTS]
        with torch.inference_mode(), device_errors():
            self._packing = find_packing(self._model, rows, self._encoder.pad_id, self._device)
        self.info = replace(self.info, packs=self._packing is not None)

    def _encode(self, rows: Sequence[TokenRow]) -> tuple[Tensor, Tensor]:
        """Hidden states, [texts, longest, width], and the mask of what is of a text."""
        if self._packing is not None:
            return self._packing.run(rows)
        inputs = pad_rows(rows, self._encoder.pad_id, self._device)
        return self._model(**inputs).last_hidden_state, inputs["attention_mask"]

    def _dimensions(self, wanted: object) -> int | None:
        """Only a model that was trained for it keeps its meaning when its vectors are cut."""
        if wanted is None:
            return None
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1:
            raise InvalidFieldError("parameters.dimensions", "takes a number of at least 1")
        width = self.info.outputs[0].shape[0] if self.info.outputs else 0
        config = self._model.config
        allowed = getattr(config, "matryoshka_dimensions", None)
        trained = allowed is not None or getattr(config, "is_matryoshka", False)
        if wanted == width or (trained and (wanted in allowed if allowed else wanted < width)):
            return wanted
        can = ", ".join(map(str, allowed)) if allowed else f"1 to {width}" if trained else width
        raise InvalidFieldError("parameters.dimensions", f"is {wanted}; this model can {can}")

    def _modes(self, pooling: object) -> tuple[str, ...] | None:
        if pooling is None:
            return self._layout.pooling
        if pooling == "none":
            return None
        if pooling in POOLING_MODES:
            return (str(pooling),)
        allowed = ", ".join(("none", *POOLING_MODES))
        raise InvalidFieldError("parameters.pooling", f"is {pooling!r}; allowed are {allowed}")

    def _finish(
        self, tokens: Tensor, mask: Tensor, options: Options, places: list[int]
    ) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
        """Pooling and what follows it, for the rows that share these options."""
        if len(places) < tokens.shape[0]:
            tokens, mask = tokens[places], mask[places]
        if options.modes is None:
            lengths = mask.sum(dim=1).tolist()
            rows = tokens.float().cpu().numpy()
            return [row[:length].copy() for row, length in zip(rows, lengths, strict=True)]
        vectors = pool(tokens, mask, options.modes)
        for layer in self._dense:
            vectors = layer(vectors)
        if options.dimensions is not None:
            vectors = vectors[:, : options.dimensions]
        if options.normalize:
            vectors = nn.functional.normalize(vectors, dim=-1)
        return list(vectors.float().cpu().numpy())
