"""token-classification: words and entities of a text, with their place in it."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForTokenClassification, TokenClassificationPipeline
from transformers.pipelines.token_classification import AggregationStrategy

from inference_svc.engine.base import EngineInfo, InputKind, Prepared, Steps, finish
from inference_svc.engine.parameters import Parameters, wrong
from inference_svc.engine.text_encoding import TokenRow, load_tokenizer, own_tokens
from inference_svc.engine.text_model import TextModel, positions
from inference_svc.engine.text_windows import Window, WindowEncoder
from inference_svc.engine.tunable import TunableText

STRATEGIES = tuple(strategy.value for strategy in AggregationStrategy)


@dataclass(frozen=True, slots=True)
class Options:
    """``overlap``: tokens that windows of a long text share."""

    strategy: str
    ignore: tuple[str, ...]
    overlap: int


@dataclass(frozen=True, slots=True)
class _Marked:
    text: str
    windows: tuple[Window, ...]
    options: Options


class TokenClassificationEngine(TunableText):
    """Per text a list of ``{entity_group, score, word, start, end}``.

    With the strategy ``none`` it is one entry per token, ``{entity, score, index, word, start,
    end}``. A long text is read in windows that overlap; without aggregation it is cut.

    Source: transformers' token-classification pipeline, whose own aggregation this is.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(InputKind.TEXT, rank=0, device=device, dtype="float32")
        self._folder = folder
        self._device = device
        self._model = TextModel(AutoModelForTokenClassification, folder, device)

    def load(self) -> int:
        size = self._model.load()
        self._encoder = WindowEncoder(self._folder, positions(self._model.config))
        make: Any = TokenClassificationPipeline
        self._pipeline: Any = make(
            model=self._model.module,
            tokenizer=load_tokenizer(self._folder),
            device=torch.device(self._device),
        )
        return size

    def warm_up(self) -> None:
        row = self.prepare("Ada Lovelace lived in London.", self.read_parameters({}))
        for size in (1, 8):
            finish(self.predict_batch([row] * size))

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, ("aggregation_strategy", "ignore_labels", "stride"))
        strategy = given.choice("aggregation_strategy", "simple", STRATEGIES)
        if given.has("stride") and strategy == "none":
            raise wrong("stride", "joins the windows of a long text, which needs aggregation")
        most = self._encoder.limit // 2
        return Options(
            strategy,
            self._labels(parameters, given),
            given.integer("stride", min(most, self._encoder.limit // 4), least=0, most=most),
        )

    def prepare(self, value: Any, options: Any) -> Prepared:
        windows = self._encoder.windows(value, size=self._encoder.limit, overlap=options.overlap)
        warning = ""
        if options.strategy == "none" and len(windows) > 1:
            cut = sum(own_tokens(one.encoding) for one in windows[1:])
            windows = windows[:1]
            warning = TokenRow(windows[0].row.ids, None, cut).warning
        length = sum(len(one.row.ids) for one in windows)
        return Prepared(_Marked(value, tuple(windows), options), max(1, length), warning=warning)

    def predict_batch(self, batch: Sequence[Prepared]) -> Steps:
        marked: list[_Marked] = [one.payload for one in batch]
        rows = [window.row for one in marked for window in one.windows]
        logits = iter((yield from self._model.run(rows, _read)))
        return [self._entities(one, [next(logits) for _ in one.windows]) for one in marked]

    def unload(self) -> None:
        self._pipeline = None
        self._model.unload()

    def _labels(self, parameters: Mapping[str, object], given: Parameters) -> tuple[str, ...]:
        """An empty list is one that ignores nothing."""
        if parameters.get("ignore_labels") == []:
            return ()
        labels = given.texts("ignore_labels") or ("O",)
        known = set(self._model.config.id2label.values())
        known |= {label.split("-", 1)[-1] for label in known}
        for label in labels:
            if given.has("ignore_labels") and label not in known:
                raise wrong("ignore_labels", f"{label!r} is none of {', '.join(sorted(known))}")
        return labels

    def _entities(self, marked: _Marked, logits: list[Tensor]) -> list[dict[str, object]]:
        outputs = [
            {
                "logits": found[None],
                "sentence": marked.text,
                "input_ids": window.row.ids[None],
                "offset_mapping": [window.encoding.offsets],
                "special_tokens_mask": torch.tensor([window.encoding.special_tokens_mask]),
            }
            for window, found in zip(marked.windows, logits, strict=True)
        ]
        with warnings.catch_warnings():
            # Tokenizers without a mark of subwords have words by their spaces; it warns each time.
            warnings.simplefilter("ignore", UserWarning)
            entities = self._pipeline.postprocess(
                outputs,
                aggregation_strategy=AggregationStrategy(marked.options.strategy),
                ignore_labels=list(marked.options.ignore),
            )
        return [{**entity, "score": float(entity["score"])} for entity in entities]


def _read(outputs: Any, rows: Sequence[TokenRow]) -> list[Tensor]:
    """float32 [tokens, labels] of each row."""
    logits = outputs.logits.float().cpu()
    return [logits[place, : len(row.ids)] for place, row in enumerate(rows)]
