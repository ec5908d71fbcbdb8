"""Against the definition, computed here step by step by transformers and torch alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.question_answering import QuestionAnsweringEngine
from tests.approximately import same
from tests.checkpoints.text_models import write_squad
from tests.unit.inference_svc.engine.conftest import Run, Write

CONTEXT = "Ada Lovelace was born in London in the year 1815 — naïve, isn't it?"
LONG = "The river flows to the sea. " * 12 + CONTEXT + " Ships sail from there." * 8
ASKED = [
    {"question": "Who was born?", "context": CONTEXT},
    {"question": "Where was she born in that year?", "context": CONTEXT},
    {"question": "When?", "context": "1815"},
]
LONG_ASKED = {"question": "Who was born in London?", "context": LONG}


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[Write], Path]) -> Path:
    return checkpoint(write_squad)


@pytest.fixture(scope="module")
def engine(folder: Path) -> QuestionAnsweringEngine:
    engine = QuestionAnsweringEngine(folder, "cpu")
    engine.load()
    engine.warm_up()
    return engine


class Library:
    """Every span of a context with its score, the slow way."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForQuestionAnswering.from_pretrained(folder, local_files_only=True)
        self._model = model.eval()

    def spans(
        self, asked: dict[str, str], *, size: int, overlap: int, longest: int = 15
    ) -> dict[tuple[int, int], float]:
        found = self._tokenizer(
            asked["question"],
            asked["context"],
            truncation="only_second",
            max_length=size,
            stride=overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        windows = range(len(found["input_ids"]))
        places, starts, ends = [], [], []
        for window in windows:
            with torch.no_grad():
                ids = torch.tensor([found["input_ids"][window]])
                out = self._model(input_ids=ids, attention_mask=torch.ones_like(ids))
            for token, number in enumerate(found.sequence_ids(window)):
                if number == 1:
                    places.append((window, token, found["offset_mapping"][window][token]))
                    starts.append(out.start_logits[0, token])
                    ends.append(out.end_logits[0, token])
        start, end = torch.stack(starts).softmax(0), torch.stack(ends).softmax(0)
        spans: dict[tuple[int, int], float] = {}
        for n, (window, first, begin) in enumerate(places):
            for m, (other, last, finish) in enumerate(places):
                if window == other and 0 <= last - first < longest:
                    key, score = (begin[0], finish[1]), float(start[n] * end[m])
                    spans[key] = max(score, spans.get(key, 0.0))
        return spans


@pytest.fixture(scope="module")
def library(folder: Path) -> Library:
    return Library(folder)


def best(spans: dict[tuple[int, int], float], context: str, count: int) -> list[dict[str, Any]]:
    ranked = sorted(spans.items(), key=lambda one: -one[1])[:count]
    return [
        {"score": score, "start": start, "end": end, "answer": context[start:end]}
        for (start, end), score in ranked
    ]


@pytest.mark.parametrize("count", [2, 5])
def test_answers_are_the_best_spans(
    engine: QuestionAnsweringEngine, library: Library, run: Run, count: int
) -> None:
    parameters = {"top_k": count, "align_to_words": False}
    expected = [
        best(library.spans(one, size=64, overlap=32), one["context"], count) for one in ASKED
    ]
    for found in (
        run.together(engine, ASKED, **parameters),
        run.apart(engine, ASKED, **parameters),
    ):
        for answers, wanted in zip(found, expected, strict=True):
            assert same(answers, wanted[: len(answers)], 1e-4)
            assert len(answers) >= min(count, len(wanted), 2)


def test_one_answer_stands_by_itself_and_in_whole_words(
    engine: QuestionAnsweringEngine, run: Run
) -> None:
    for answer, asked in zip(run.together(engine, ASKED), ASKED, strict=True):
        assert set(answer) == {"score", "start", "end", "answer"}
        context, start, end = asked["context"], answer["start"], answer["end"]
        assert answer["answer"] == context[start:end]
        for place, beside in ((start, start - 1), (end - 1, end)):
            inside = 0 <= beside < len(context)
            assert not (inside and context[place].isalnum() and context[beside].isalnum())


def test_a_long_context_is_read_in_windows_that_compete(
    engine: QuestionAnsweringEngine, library: Library, run: Run
) -> None:
    parameters = {"align_to_words": False, "max_seq_len": 48, "doc_stride": 12}
    spans = library.spans(LONG_ASKED, size=48, overlap=12)
    found = run.together(engine, [LONG_ASKED, ASKED[0]], **parameters)
    assert same(found[0], best(spans, LONG, 1)[0], 1e-4)
    assert engine.prepare(LONG_ASKED, engine.read_parameters(parameters)).length > 200


def test_no_answer_may_be_the_best(engine: QuestionAnsweringEngine, run: Run) -> None:
    answers = run.together(engine, ASKED, top_k=100, handle_impossible_answer=True)
    for found in answers:
        empty = [one for one in found if one["answer"] == ""]
        assert len(empty) == 1
        assert (empty[0]["start"], empty[0]["end"]) == (0, 0)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"question": " ", "context": CONTEXT}, "inputs.question"),
        ({"question": "who?", "context": ""}, "inputs.context"),
        ({"question": "who " * 60, "context": CONTEXT}, "inputs.question"),
    ],
)
def test_what_can_not_be_asked_fails_by_itself(
    engine: QuestionAnsweringEngine, asked: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.prepare(asked, engine.read_parameters({}))
    assert wrong.value.field == field


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"top_k": 0}, "parameters.top_k"),
        ({"max_seq_len": 4096}, "parameters.max_seq_len"),
        ({"doc_stride": 60}, "parameters.doc_stride"),
        ({"max_answer_len": 0}, "parameters.max_answer_len"),
        ({"align_to_words": 1}, "parameters.align_to_words"),
    ],
)
def test_a_wrong_parameter_is_named(
    engine: QuestionAnsweringEngine, parameters: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.read_parameters(parameters)
    assert wrong.value.field == field
