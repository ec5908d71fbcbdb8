"""How a model is told from which language into which it translates.

Four ways are known: codes that the tokenizer sets before the text, with the target's as the
first token to write (mBART, M2M100, NLLB); a code in front of the text (Marian with several
targets); a sentence in front of it (T5); and none, for a model of one pair.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from inference_svc.engine.parameters import Parameters, wrong

SOURCE, TARGET = "src_lang", "tgt_lang"


@dataclass(frozen=True, slots=True)
class Direction:
    """What one request's languages mean for the model.

    Attributes:
        source: The tokenizer's src_lang; None: it has none.
        prefix: Goes before the text.
        first_token: That the decoder has to write first; None: any.
    """

    source: str | None = None
    prefix: str = ""
    first_token: int | None = None


class Languages(Protocol):
    """``names``: the parameters it takes; ``sample``: values of those, for a warm-up."""

    names: tuple[str, ...]
    sample: Mapping[str, object]

    def read(self, given: Parameters) -> Direction:
        """Raises: InvalidFieldError: a language that is not known or missing, with the list."""
        ...


def find_languages(tokenizer: Any, config: Any, *, translates: bool) -> Languages:
    """The way of this model.

    Args:
        tokenizer: The library's.
        config: The library's, of the model.
        translates: The task is translation, so that a target may not be left open.
    """
    codes = _language_codes(tokenizer)
    if codes and hasattr(tokenizer, SOURCE):
        return Codes(codes, tokenizer.src_lang, required=translates)
    targets = [c.strip("<>") for c in getattr(tokenizer, "supported_language_codes", ())]
    if targets:
        return Targets(targets)
    pairs = _prefixes(config)
    if translates and pairs:
        return Pairs(pairs)
    return Fixed()


class Fixed:
    """The model knows its one pair itself."""

    names: tuple[str, ...] = ()
    sample: Mapping[str, object] = {}

    def read(self, given: Parameters) -> Direction:
        del given
        return Direction()


class Codes:
    """mBART, M2M100, NLLB: ``en_XX`` or, where only one begins so, ``en``."""

    names: tuple[str, ...] = (SOURCE, TARGET)

    def __init__(self, codes: Mapping[str, int], source: str, *, required: bool) -> None:
        self._codes = codes
        self._source = source
        self._required = required
        self.sample: Mapping[str, object] = {TARGET: next(iter(codes))}

    def read(self, given: Parameters) -> Direction:
        source = _pick(given.text(SOURCE, self._source), self._codes, SOURCE)
        if not given.has(TARGET):
            if self._required:
                raise wrong(TARGET, f"is missing; there are {', '.join(sorted(self._codes))}")
            return Direction(source)
        target = _pick(given.text(TARGET, ""), self._codes, TARGET)
        return Direction(source, first_token=self._codes[target])


class Targets:
    """Marian with several targets: ``>>fra<<`` before the text."""

    names: tuple[str, ...] = (TARGET,)

    def __init__(self, targets: Sequence[str]) -> None:
        self._targets = dict.fromkeys(targets, 0)
        self.sample: Mapping[str, object] = {TARGET: targets[0]}

    def read(self, given: Parameters) -> Direction:
        if not given.has(TARGET):
            raise wrong(TARGET, f"is missing; there are {', '.join(sorted(self._targets))}")
        return Direction(prefix=f">>{_pick(given.text(TARGET, ''), self._targets, TARGET)}<< ")


class Pairs:
    """T5: "translate English to German: " before the text, as the repo's config spells it."""

    names: tuple[str, ...] = (SOURCE, TARGET)

    def __init__(self, prefixes: Mapping[tuple[str, str], str]) -> None:
        self._prefixes = prefixes
        source, target = next(iter(prefixes))
        self.sample: Mapping[str, object] = {SOURCE: source, TARGET: target}

    def read(self, given: Parameters) -> Direction:
        source, target = given.text(SOURCE, ""), given.text(TARGET, "")
        fitting = [
            prefix
            for (from_, to), prefix in self._prefixes.items()
            if source in ("", from_) and target in ("", to)
        ]
        if len(fitting) != 1:
            known = ", ".join(f"{from_} → {to}" for from_, to in self._prefixes)
            name = (
                TARGET if not target or source in ("", *(p[0] for p in self._prefixes)) else SOURCE
            )
            said = "is missing" if not target else f"{source or '?'} → {target} is not known"
            raise wrong(name, f"{said}; this model translates {known}")
        return Direction(prefix=fitting[0])


def _pick(name: str, codes: Mapping[str, int], parameter: str) -> str:
    """The code itself, or the only one that begins with it."""
    if name in codes:
        return name
    near = [code for code in codes if re.split("[_-]", code)[0].lower() == name.lower()]
    if len(near) != 1:
        raise wrong(parameter, f"is {name!r}; there are {', '.join(sorted(near or codes))}")
    return near[0]


def _language_codes(tokenizer: Any) -> dict[str, int]:
    """Code to token id; NLLB keeps its codes among the special tokens."""
    known = getattr(tokenizer, "lang_code_to_id", None)
    if known:
        return {str(code): int(number) for code, number in known.items()}
    if not hasattr(tokenizer, SOURCE):
        return {}
    tokens = tokenizer.all_special_tokens
    codes = [token for token in tokens if re.fullmatch(r"[a-z]{2,3}_[A-Za-z]{2,4}", token)]
    return {code: tokenizer.convert_tokens_to_ids(code) for code in codes}


def _prefixes(config: Any) -> dict[tuple[str, str], str]:
    found = {}
    for name, settings in (getattr(config, "task_specific_params", None) or {}).items():
        match = re.fullmatch(r"translation_(\w+)_to_(\w+)", name)
        if match and settings.get("prefix"):
            found[match[1], match[2]] = settings["prefix"]
    return found
