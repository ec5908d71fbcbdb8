import pytest
from transformers import GenerationConfig

from inference_svc.generation.base import Sampling
from inference_svc.generation.model_defaults import TOP_K, ModelDefaults, read_defaults


def config(**settings: object) -> GenerationConfig:
    return GenerationConfig(**settings)  # type: ignore[no-untyped-call]


def test_where_nothing_is_said_it_is_greedy() -> None:
    assert read_defaults(config(), None) == ModelDefaults(Sampling(top_k=TOP_K))


def test_what_is_said_is_taken() -> None:
    found = read_defaults(
        config(
            do_sample=True,
            temperature=0.6,
            top_p=0.9,
            top_k=20,
            repetition_penalty=1.1,
            eos_token_id=[7, 9],
            max_new_tokens=33,
            no_repeat_ngram_size=3,
            suppress_tokens=[1],
            begin_suppress_tokens=[2],
            bad_words_ids=[[3, 4]],
        ),
        5,
    )
    assert found == ModelDefaults(
        sampling=Sampling(True, 0.6, 20, 0.9, 0.0, 1.1),
        end_ids=(7, 9),
        max_new_tokens=33,
        no_repeat_ngram_size=3,
        bad_words=((3, 4),),
        suppressed=(1,),
        suppressed_first=(2,),
    )


@pytest.mark.parametrize(("said", "expected"), [(None, (5,)), (0, (0,)), ([4], (4,))])
def test_the_tokenizers_end_counts_where_none_is_said(
    said: object, expected: tuple[int, ...]
) -> None:
    assert read_defaults(config(eos_token_id=said), 5).end_ids == expected
