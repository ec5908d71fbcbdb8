"""What a checkpoint's generation_config.json says of how it wants to be read."""

from dataclasses import dataclass, field
from typing import Any

from inference_svc.generation.base import Sampling

TOP_K = 50  # transformers' own where a checkpoint says nothing.


@dataclass(frozen=True, slots=True)
class ModelDefaults:
    """Of one checkpoint.

    Attributes:
        end_ids: Tokens that end a text.
        max_new_tokens: None: it says nothing.
        max_length: Prompt and completion together; None: it says nothing.
        bad_words, suppressed, suppressed_first: Tokens it never writes, or not at the beginning.
    """

    sampling: Sampling = field(default_factory=Sampling)
    end_ids: tuple[int, ...] = ()
    max_new_tokens: int | None = None
    max_length: int | None = None
    no_repeat_ngram_size: int = 0
    bad_words: tuple[tuple[int, ...], ...] = ()
    suppressed: tuple[int, ...] = ()
    suppressed_first: tuple[int, ...] = ()


def read_defaults(config: Any, end_id: int | None) -> ModelDefaults:
    """From the library's GenerationConfig.

    Args:
        config: The model's.
        end_id: The tokenizer's; it counts where the config names none.
    """
    ends = _numbers(config.eos_token_id) or _numbers(end_id)
    sampling = Sampling(
        do_sample=bool(config.do_sample),
        temperature=float(config.temperature or 1.0),
        top_k=TOP_K if config.top_k is None else int(config.top_k),
        top_p=float(config.top_p or 1.0),
        min_p=float(config.min_p or 0.0),
        repetition_penalty=float(config.repetition_penalty or 1.0),
    )
    return ModelDefaults(
        sampling=sampling,
        end_ids=ends,
        max_new_tokens=config.max_new_tokens,
        max_length=config.max_length,
        no_repeat_ngram_size=config.no_repeat_ngram_size or 0,
        bad_words=tuple(tuple(word) for word in config.bad_words_ids or ()),
        suppressed=_numbers(config.suppress_tokens),
        suppressed_first=_numbers(config.begin_suppress_tokens),
    )


def _numbers(value: int | list[int] | None) -> tuple[int, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)
