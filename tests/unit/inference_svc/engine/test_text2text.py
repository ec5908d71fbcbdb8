"""Against the library's own generate() on the same files, one text at a time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.text2text import (
    SUMMARIZATION,
    TEXT2TEXT,
    TRANSLATION,
    Text2TextEngine,
    TextTask,
)
from tests.checkpoints.text2text import (
    SUMMARY_SETTINGS,
    write_bart_cnn,
    write_flan,
    write_marian,
    write_mbart,
    write_t5,
)
from tests.unit.inference_svc.engine.conftest import Run, Write

TEXTS = ["I love this small camera.", "The service was terrible, the food was cold.", "a"]


def write_several_targets(folder: Path) -> None:
    write_marian(folder, ("deu", "fra"))


class Library:
    def __init__(self, folder: Path) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModelForSeq2SeqLM.from_pretrained(
            folder, local_files_only=True, weights_only=True
        )
        self.model = model.eval()

    def write(self, text: str, **settings: Any) -> str:
        inputs = self.tokenizer(text, return_tensors="pt", truncation=True)
        with torch.no_grad():
            ids = self.model.generate(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], **settings
            )
        found: str = self.tokenizer.decode(
            ids[0], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return found


@pytest.fixture(scope="module")
def engines(checkpoint: Callable[[Write], Path]) -> Callable[[Write, TextTask], Text2TextEngine]:
    made: dict[tuple[Write, TextTask], Text2TextEngine] = {}

    def get(write: Write, task: TextTask) -> Text2TextEngine:
        if (write, task) not in made:
            engine = Text2TextEngine(checkpoint(write), "cpu", task)
            engine.load()
            engine.warm_up()
            made[write, task] = engine
        return made[write, task]

    return get


Engines = Callable[[Write, TextTask], Text2TextEngine]
T5_SUMMARY = {**SUMMARY_SETTINGS, "max_length": 24}
CASES: dict[str, tuple[Write, TextTask, dict[str, Any], str, dict[str, Any]]] = {
    "bart, as its files say": (write_bart_cnn, SUMMARIZATION, {}, "", {}),
    "bart, without beams": (
        write_bart_cnn,
        SUMMARIZATION,
        {"num_beams": 1, "max_length": 16},
        "",
        {"num_beams": 1, "max_length": 16, "early_stopping": False},
    ),
    "flan": (
        write_flan,
        TEXT2TEXT,
        {"max_new_tokens": 12, "no_repeat_ngram_size": 2, "repetition_penalty": 1.3},
        "",
        {"max_new_tokens": 12, "no_repeat_ngram_size": 2, "repetition_penalty": 1.3},
    ),
    "marian": (write_marian, TRANSLATION, {}, "", {}),
    "marian with targets": (
        write_several_targets,
        TRANSLATION,
        {"tgt_lang": "fra", "max_new_tokens": 9},
        ">>fra<< ",
        {"max_new_tokens": 9},
    ),
    "t5 summarizes": (write_t5, SUMMARIZATION, {}, "summarize: ", T5_SUMMARY),
    "t5 translates": (
        write_t5,
        TRANSLATION,
        {"tgt_lang": "de", "max_new_tokens": 7, "num_beams": 3},
        "translate English to German: ",
        {"max_new_tokens": 7, "num_beams": 3},
    ),
}


@pytest.mark.filterwarnings("ignore:Both `max_new_tokens`")
@pytest.mark.parametrize("case", list(CASES))
def test_texts_are_the_librarys(
    engines: Engines, checkpoint: Callable[[Write], Path], run: Run, case: str
) -> None:
    write, task, parameters, prefix, settings = CASES[case]
    engine, library = engines(write, task), Library(checkpoint(write))
    expected = [{task.key: library.write(prefix + text, **settings)} for text in TEXTS]
    assert run.apart(engine, TEXTS, **parameters) == expected
    assert run.together(engine, TEXTS, **parameters) == expected
    assert len({str(one) for one in expected}) > 1


@pytest.mark.parametrize("target", ["de_DE", "de"])
def test_mbart_writes_the_language_that_is_asked_for(
    engines: Engines, checkpoint: Callable[[Write], Path], run: Run, target: str
) -> None:
    library = Library(checkpoint(write_mbart))
    library.tokenizer.src_lang = "fr_XX"
    first = library.tokenizer.lang_code_to_id["de_DE"]
    expected = [
        {"translation_text": library.write(text, forced_bos_token_id=first)} for text in TEXTS
    ]
    engine = engines(write_mbart, TRANSLATION)
    parameters = {"src_lang": "fr_XX", "tgt_lang": target}
    assert run.together(engine, TEXTS, **parameters) == expected
    assert run.together(engine, TEXTS, src_lang="en_XX", tgt_lang="fr_XX") != expected


def test_draws_depend_on_the_seed_alone(engines: Engines, run: Run) -> None:
    engine = engines(write_flan, TEXT2TEXT)
    parameters = {"do_sample": True, "max_new_tokens": 12, "top_p": 0.95}
    first = run.together(engine, TEXTS, seed=3, **parameters)
    torch.rand(5)
    assert run.apart(engine, TEXTS, seed=3, **parameters) == first
    assert run.together(engine, TEXTS, seed=4, **parameters) != first
    assert run.together(engine, TEXTS, **parameters) != run.together(engine, TEXTS, **parameters)


def test_the_likeliest_token_is_drawn_where_there_is_no_other(engines: Engines, run: Run) -> None:
    engine = engines(write_flan, TEXT2TEXT)
    drawn = run.together(engine, TEXTS, do_sample=True, top_k=1, max_new_tokens=12)
    assert drawn == run.together(engine, TEXTS, max_new_tokens=12)


def test_every_token_is_a_step_and_what_is_given_up_ends(engines: Engines) -> None:
    engine = engines(write_flan, TEXT2TEXT)
    options = engine.read_parameters({"max_new_tokens": 20, "min_new_tokens": 20})
    steps = engine.predict_batch([engine.prepare("go", options)])
    assert sum(1 for _ in steps) == 20
    steps = engine.predict_batch([engine.prepare("go", options)])
    next(steps)
    steps.close()
    assert next(steps, None) is None


def test_a_long_text_is_cut_and_it_is_told(engines: Engines) -> None:
    engine = engines(write_marian, TRANSLATION)
    prepared = engine.prepare("the food was cold " * 40, engine.read_parameters({}))
    assert prepared.length == 64
    assert prepared.warning.startswith("was cut: the model reads 64 tokens, ")


def test_only_equal_options_share_a_batch(engines: Engines) -> None:
    engine = engines(write_flan, TEXT2TEXT)
    chosen: list[dict[str, object]] = [
        {"max_new_tokens": 5, "do_sample": True, "seed": 1},
        {"max_new_tokens": 5, "do_sample": True, "seed": 2},
        {"max_new_tokens": 6, "do_sample": True, "seed": 1},
    ]
    groups = [engine.prepare("go", engine.read_parameters(one)).group for one in chosen]
    assert groups[0] == groups[1] != groups[2]
    assert len(set(groups)) == 2


@pytest.mark.parametrize(
    ("write", "parameters", "detail"),
    [
        (write_mbart, {}, "parameters.tgt_lang: is missing; there are af_ZA, ar_AR"),
        (write_mbart, {"tgt_lang": "xx"}, "parameters.tgt_lang: is 'xx'; there are"),
        (write_mbart, {"src_lang": 3}, "parameters.src_lang: is 3; it takes a string"),
        (write_t5, {}, "parameters.tgt_lang: is missing; this model translates en → de"),
        (write_t5, {"tgt_lang": "it"}, "parameters.tgt_lang: ? → it is not known; this model"),
        (write_t5, {"src_lang": "de"}, "parameters.tgt_lang: is missing"),
        (write_marian, {"tgt_lang": "de"}, "parameters.tgt_lang: is not known"),
        (write_several_targets, {}, "parameters.tgt_lang: is missing; there are deu, fra"),
        (write_marian, {"max_new_tokens": 65}, "parameters.max_new_tokens: is 65; it takes"),
        (write_marian, {"num_beams": 99}, "parameters.num_beams: is 99"),
        (write_marian, {"seed": 1}, "parameters.seed: has an effect only with do_sample"),
        (write_marian, {"do_sample": True, "num_beams": 2}, "parameters.num_beams: can't be"),
        (write_marian, {"max_length": 9, "max_new_tokens": 9}, "parameters.max_length: says"),
        (
            write_marian,
            {"min_new_tokens": 9, "max_new_tokens": 8},
            "parameters.min_new_tokens: is 9, over max_new_tokens",
        ),
    ],
)
def test_a_wrong_parameter_is_named(
    engines: Engines, write: Write, parameters: dict[str, object], detail: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engines(write, TRANSLATION).read_parameters(parameters)
    assert wrong.value.detail.startswith(detail)


def test_an_empty_text_fails_by_itself(engines: Engines) -> None:
    engine = engines(write_marian, TRANSLATION)
    with pytest.raises(InvalidFieldError, match="inputs: is empty"):
        engine.prepare("  ", engine.read_parameters({}))
