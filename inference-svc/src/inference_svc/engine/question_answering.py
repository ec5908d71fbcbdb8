"""question-answering: the piece of a context that answers a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from transformers import AutoModelForQuestionAnswering

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.answer_spans import Span, WindowScores, best_spans
from inference_svc.engine.base import EngineInfo, InputKind, Prepared, Steps, finish
from inference_svc.engine.parameters import Parameters
from inference_svc.engine.text_encoding import TokenRow
from inference_svc.engine.text_model import TextModel, positions
from inference_svc.engine.text_windows import Window, WindowEncoder
from inference_svc.engine.tunable import TunableModel

DEFAULT_WINDOW = 384
DEFAULT_OVERLAP = 128
LEAST_CONTEXT = 16  # Tokens of the context that every window has to have room for.
WARM_UP = {"question": "Who wrote it?", "context": "It was written by Ada in a year long ago."}
# Asked of the samples in turn: callers bring questions of their own.
SAMPLE_QUESTIONS = ("Who is it about?", "What happened?", "When was it?", "Where is it?")
NAMES = (
    *("top_k", "max_answer_len", "max_seq_len", "doc_stride"),
    *("handle_impossible_answer", "align_to_words"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """``window`` and ``overlap`` in tokens; ``impossible``: an empty answer may be the best."""

    top_k: int
    longest: int
    window: int
    overlap: int
    impossible: bool
    whole_words: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    context: str
    windows: tuple[Window, ...]
    options: Options


class QuestionAnsweringEngine(TunableModel[TextModel]):
    """``{score, start, end, answer}`` per question; a list of those where ``top_k`` is over 1.

    ``start`` and ``end`` are characters of the context. A long context is read in windows that
    overlap, and all of them compete: the scores are probabilities over the whole context.

    Source: Devlin et al. 2019, section 4.2; for one window, transformers 4's pipeline.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.info = EngineInfo(InputKind.QUESTION, rank=0, device=device, dtype="float32")
        self._folder = folder
        self._model = TextModel(AutoModelForQuestionAnswering, folder, device)

    def load(self) -> int:
        size = self._model.load()
        self._encoder = WindowEncoder(self._folder, positions(self._model.config))
        return size

    def warm_up(self) -> None:
        row = self.prepare(WARM_UP, self.read_parameters({}))
        for size in (1, 8):
            finish(self.predict_batch([row] * size))

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, NAMES)
        limit = self._encoder.limit
        window = given.integer("max_seq_len", min(limit, DEFAULT_WINDOW), least=32, most=limit)
        overlap = min(DEFAULT_OVERLAP, window // 2)
        return Options(
            top_k=given.integer("top_k", 1, least=1, most=100),
            longest=given.integer("max_answer_len", 15, least=1, most=limit),
            window=window,
            overlap=given.integer("doc_stride", overlap, least=0, most=window // 2),
            impossible=given.flag("handle_impossible_answer", default=False),
            whole_words=given.flag("align_to_words", default=True),
        )

    def prepare(self, value: Any, options: Any) -> Prepared:
        question, context = value["question"].strip(), value["context"]
        if not question:
            raise InvalidFieldError("inputs.question", "is empty")
        if not context.strip():
            raise InvalidFieldError("inputs.context", "is empty")
        asked = self._encoder.count(question)
        room = options.window - asked - self._encoder.special_count()
        if room < LEAST_CONTEXT:
            raise InvalidFieldError(
                "inputs.question",
                f"has {asked} tokens; windows of {options.window} leave no room for the context",
            )
        overlap = min(options.overlap, room - 1, room * 3 // 4)
        windows = self._encoder.windows(question, context, size=options.window, overlap=overlap)
        length = sum(len(one.row.ids) for one in windows)
        return Prepared(_Asked(context, tuple(windows), options), length)

    def predict_batch(self, batch: Sequence[Prepared]) -> Steps:
        asked: list[_Asked] = [one.payload for one in batch]
        rows = [window.row for one in asked for window in one.windows]
        scores = iter((yield from self._model.run(rows, _read)))
        return [_answer(one, [next(scores) for _ in one.windows]) for one in asked]

    def samples(self, texts: Sequence[str]) -> Sequence[Prepared]:
        options = self.read_parameters({})
        contexts = [text for text in texts if text.strip()]
        return [
            self.prepare({"question": question, "context": context}, options)
            for question, context in zip(cycle(SAMPLE_QUESTIONS), contexts, strict=False)
        ]

    def unload(self) -> None:
        self._model.unload()


def _read(outputs: Any, rows: Sequence[TokenRow]) -> list[WindowScores]:
    starts = outputs.start_logits.float().cpu().numpy()
    ends = outputs.end_logits.float().cpu().numpy()
    return [
        WindowScores(starts[place, : len(row.ids)], ends[place, : len(row.ids)])
        for place, row in enumerate(rows)
    ]


def _answer(asked: _Asked, scores: list[WindowScores]) -> object:
    options = asked.options
    spans = best_spans(
        [window.encoding for window in asked.windows],
        scores,
        longest=options.longest,
        count=options.top_k,
        impossible=options.impossible,
        whole_words=options.whole_words,
    )
    answers = [_describe(span, asked.context) for span in spans]
    return answers[0] if options.top_k == 1 else answers


def _describe(span: Span, context: str) -> dict[str, object]:
    return {
        "score": span.score,
        "start": span.start,
        "end": span.end,
        "answer": context[span.start : span.end],
    }
