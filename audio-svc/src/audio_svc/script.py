"""What is said, breath by breath: from text or SSML, normalised and split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from audio_svc.sentences import SENTENCE_PAUSE_S, Breath, split_text
from audio_svc.text.normalizing import normalize_text
from audio_svc.text.ssml import Span, read_ssml

SENTENCE_ENDS = tuple(".!?…。！？")


@dataclass(frozen=True, slots=True)
class Script:
    """The breaths in their order, and what has to be said about how the text was read."""

    breaths: tuple[Breath, ...]
    warnings: tuple[str, ...] = ()


def write_script(
    text: str, *, ssml: bool, language: str, max_chars: int, breath_chars: int | None = None
) -> Script:
    """No breaths: there is nothing to say.

    Args:
        text: As it is written.
        ssml: The text is markup.
        language: As the caller wrote it.
        max_chars: Of one breath.
        breath_chars: Sentences are put together up to that; None: as split_text has it.

    Raises: InvalidFieldError: the markup is wrong, and where.
    """
    how = {} if breath_chars is None else {"breath_chars": breath_chars}
    spans = read_ssml(text) if ssml else [Span(text)]
    passages, warnings = _to_words(spans, language)
    breaths: list[Breath] = []
    lead_s = 0.0
    for passage in passages:
        made = split_text(passage.text, max_chars, **how)
        pause_s = _pause_after(passage)
        if made:
            made = [replace(one, manner=passage.manner) for one in made]
            made[0] = replace(made[0], lead_s=lead_s)
            made[-1] = replace(made[-1], pause_s=pause_s)
            breaths += made
            lead_s = 0.0
        elif breaths:
            breaths[-1] = replace(breaths[-1], pause_s=breaths[-1].pause_s + pause_s)
        else:
            lead_s += pause_s
    if breaths and passages[-1].pause_s is None:
        breaths[-1] = replace(breaths[-1], pause_s=0.0)
    return Script(tuple(breaths), tuple(dict.fromkeys(warnings)))


def _to_words(spans: Sequence[Span], language: str) -> tuple[list[Span], list[str]]:
    """Spans of words; neighbours that nothing parts are one, so that they are said in one go."""
    warnings: list[str] = []
    passages: list[Span] = []
    for span in spans:
        words = span.text
        if not span.literal:
            spoken = normalize_text(words, language)
            warnings += spoken.warnings
            # The spaces at its ends part it from its neighbours.
            begin, end = words[:1].isspace(), words[-1:].isspace()
            words = f"{' ' * begin}{spoken.text}{' ' * end}"
        last = passages[-1] if passages else None
        if last is not None and last.pause_s is None and last.manner == span.manner:
            passages[-1] = replace(last, text=last.text + words, pause_s=span.pause_s)
        else:
            passages.append(replace(span, text=words))
    return passages, warnings


def _pause_after(passage: Span) -> float:
    if passage.pause_s is not None:
        return passage.pause_s
    ends = passage.text.rstrip("\"'”’)] ").endswith(SENTENCE_ENDS)
    return SENTENCE_PAUSE_S if ends else 0.0
