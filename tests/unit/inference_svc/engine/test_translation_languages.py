from types import SimpleNamespace
from typing import Any

import pytest

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.parameters import Parameters
from inference_svc.engine.translation_languages import Direction, Languages, find_languages

T5 = SimpleNamespace(
    task_specific_params={
        "summarization": {"prefix": "summarize: "},
        "translation_en_to_de": {"prefix": "to German: "},
        "translation_en_to_fr": {"prefix": "to French: "},
        "translation_fr_to_en": {"prefix": "to English: "},
    }
)
PLAIN = SimpleNamespace()


def nllb() -> Any:
    """Its codes are special tokens among others."""
    codes = {"eng_Latn": 7, "zho_Hans": 8, "zho_Hant": 9, "<s>": 0, "</s>": 1}
    return SimpleNamespace(
        src_lang="eng_Latn", all_special_tokens=list(codes), convert_tokens_to_ids=codes.__getitem__
    )


def read(languages: Languages, **given: object) -> Direction:
    return languages.read(Parameters(given, languages.names))


def test_a_model_of_one_pair_takes_no_language() -> None:
    languages = find_languages(SimpleNamespace(), PLAIN, translates=True)
    assert (languages.names, read(languages)) == ((), Direction())


def test_nllbs_codes_are_found_among_its_tokens() -> None:
    languages = find_languages(nllb(), PLAIN, translates=True)
    assert read(languages, tgt_lang="zho_Hans") == Direction("eng_Latn", first_token=8)
    assert read(languages, src_lang="zho_Hant", tgt_lang="eng") == Direction(
        "zho_Hant", first_token=7
    )
    with pytest.raises(InvalidFieldError, match="is 'zho'; there are zho_Hans, zho_Hant"):
        read(languages, tgt_lang="zho")


def test_without_translating_the_target_may_be_left_open() -> None:
    languages = find_languages(nllb(), PLAIN, translates=False)
    assert read(languages) == Direction("eng_Latn")


def test_marians_targets_go_before_the_text() -> None:
    tokenizer = SimpleNamespace(supported_language_codes=[">>deu<<", ">>fra<<"])
    languages = find_languages(tokenizer, PLAIN, translates=True)
    assert read(languages, tgt_lang="fra") == Direction(prefix=">>fra<< ")
    assert languages.sample == {"tgt_lang": "deu"}


@pytest.mark.parametrize(
    ("given", "prefix"),
    [
        ({"tgt_lang": "de"}, "to German: "),
        ({"src_lang": "fr"}, "to English: "),
        ({"src_lang": "en", "tgt_lang": "fr"}, "to French: "),
    ],
)
def test_t5s_sentence_is_found_by_what_is_said(given: dict[str, object], prefix: str) -> None:
    assert read(find_languages(SimpleNamespace(), T5, translates=True), **given).prefix == prefix


@pytest.mark.parametrize(
    ("given", "field", "detail"),
    [
        ({}, "parameters.tgt_lang", "is missing; this model translates en → de, en → fr"),
        ({"src_lang": "en"}, "parameters.tgt_lang", "is missing"),
        ({"tgt_lang": "it"}, "parameters.tgt_lang", "it is not known"),
        ({"src_lang": "it", "tgt_lang": "de"}, "parameters.src_lang", "it → de is not known"),
        ({"src_lang": "de", "tgt_lang": "fr"}, "parameters.src_lang", "de → fr is not known"),
    ],
)
def test_a_pair_that_t5_lacks_is_named(given: dict[str, object], field: str, detail: str) -> None:
    with pytest.raises(InvalidFieldError, match=detail) as wrong:
        read(find_languages(SimpleNamespace(), T5, translates=True), **given)
    assert wrong.value.field == field


def test_only_for_translation_a_t5_needs_a_language() -> None:
    assert find_languages(SimpleNamespace(), T5, translates=False).names == ()
