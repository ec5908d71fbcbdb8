"""What a request may say about how text is generated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from inference_svc.engine.parameters import Parameters, wrong
from inference_svc.engine.translation_languages import Direction, Languages

DEFAULT_NEW_TOKENS = 256
UNBOUNDED_TOKENS = 4096  # For models without a bound on positions.
MAX_BEAMS = 8
NAMES = (
    *("max_new_tokens", "min_new_tokens", "max_length", "min_length", "num_beams"),
    *("length_penalty", "early_stopping", "no_repeat_ngram_size", "repetition_penalty"),
    *("do_sample", "temperature", "top_k", "top_p", "seed"),
)
_SAMPLING = ("temperature", "top_k", "top_p", "seed")


@dataclass(frozen=True, slots=True)
class Draw:
    """How tokens are drawn; ``top_k`` 0 and ``top_p`` 1: from all of them."""

    temperature: float
    top_k: int
    top_p: float


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """Inputs with equal options can share a batch; the seed is each one's own.

    Attributes:
        settings: Of the library's generate(), beyond what the repo's own files say.
        draw: None: no chance in it.
    """

    direction: Direction
    settings: tuple[tuple[str, object], ...]
    draw: Draw | None
    seed: int | None = field(default=None, compare=False)


def read_options(
    parameters: Mapping[str, object], languages: Languages, most: int
) -> GenerationOptions:
    """The checked options.

    Args:
        parameters: As the request has them.
        languages: Of the model.
        most: Tokens that the model can write.

    Raises: InvalidFieldError.
    """
    given = Parameters(parameters, (*NAMES, *languages.names))
    settings = _lengths(given, most) | _search(given)
    draw = _draw(given)
    if draw is not None and settings.get("num_beams", 1) != 1:
        raise wrong("num_beams", "can't be with do_sample; leave one of the two out")
    seed = given.integer("seed", 0, least=0, most=2**63 - 1) if given.has("seed") else None
    return GenerationOptions(languages.read(given), tuple(sorted(settings.items())), draw, seed)


def _lengths(given: Parameters, most: int) -> dict[str, object]:
    names = ("max_new_tokens", "min_new_tokens", "max_length", "min_length")
    least = {"max_new_tokens": 1, "max_length": 2, "min_new_tokens": 0, "min_length": 0}
    found: dict[str, object] = {
        name: given.integer(name, 1, least=least[name], most=most)
        for name in names
        if given.has(name)
    }
    for first, second in (("max_new_tokens", "max_length"), ("min_new_tokens", "min_length")):
        if first in found and second in found:
            raise wrong(second, f"says the same as {first}; leave one of the two out")
    low, high = found.get("min_new_tokens"), found.get("max_new_tokens")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise wrong("min_new_tokens", f"is {low}, over max_new_tokens ({high})")
    return found


def _search(given: Parameters) -> dict[str, object]:
    found: dict[str, object] = {}
    if given.has("num_beams"):
        found["num_beams"] = given.integer("num_beams", 1, least=1, most=MAX_BEAMS)
    if given.has("length_penalty"):
        found["length_penalty"] = given.number("length_penalty", 1.0, least=-5.0, most=5.0)
    if given.has("early_stopping"):
        found["early_stopping"] = given.flag("early_stopping", default=False)
    if given.has("no_repeat_ngram_size"):
        found["no_repeat_ngram_size"] = given.integer("no_repeat_ngram_size", 0, least=0, most=100)
    if given.has("repetition_penalty"):
        found["repetition_penalty"] = given.number("repetition_penalty", 1.0, least=0.1, most=10.0)
    return found


def _draw(given: Parameters) -> Draw | None:
    if not given.flag("do_sample", default=False):
        for name in _SAMPLING:
            if given.has(name):
                raise wrong(name, "has an effect only with do_sample true")
        return None
    return Draw(
        given.number("temperature", 1.0, least=0.01, most=10.0),
        given.integer("top_k", 50, least=0, most=1_000_000),
        given.number("top_p", 1.0, least=0.01, most=1.0),
    )


def settle_lengths(config: Any, settings: Mapping[str, object], most: int) -> None:
    """Makes one bound of the repo's and the request's; the request wins. Changes ``config``."""
    for new, total in (("max_new_tokens", "max_length"), ("min_new_tokens", "min_length")):
        if new in settings:
            setattr(config, total, None)
        elif total in settings:
            setattr(config, new, None)
    if config.max_new_tokens is None and config.max_length is None:
        config.max_new_tokens = min(DEFAULT_NEW_TOKENS, most)
    highest = config.max_new_tokens or config.max_length
    for name in ("min_new_tokens", "min_length"):
        # The repo's own minimum must not be over what a request allows at most.
        lowest = getattr(config, name)
        if name not in settings and lowest is not None and lowest > highest:
            setattr(config, name, highest)
