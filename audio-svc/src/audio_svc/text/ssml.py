"""SSML: speak, p, s, break, prosody, say-as and sub.

Read by expat with nothing expanded: a document type, and with it every entity of its own, is
refused. Source: W3C, Speech Synthesis Markup Language 1.1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from xml.parsers import expat

from audio_svc.manner import PLAIN, Manner
from audio_svc.text.say_as import KINDS, say_as
from audio_svc.text.ssml_values import Refused, pause_of, prosody_of
from fleetserve.errors import InvalidFieldError

BEGIN = re.compile(r"\s*(?:<\?xml[^>]*\?>\s*)?<speak[\s>/]")
SENTENCE_S, PARAGRAPH_S = 0.25, 0.5
MAX_SILENCE_S = 120.0
ATTRIBUTES: dict[str, frozenset[str]] = {
    "speak": frozenset({"version", "xmlns", "xml:lang", "xmlns:xsi", "xsi:schemaLocation"}),
    "p": frozenset({"xml:lang"}),
    "s": frozenset({"xml:lang"}),
    "break": frozenset({"time", "strength"}),
    "prosody": frozenset({"rate", "pitch", "volume"}),
    "say-as": frozenset({"interpret-as", "format", "detail"}),
    "sub": frozenset({"alias"}),
}
CLOSING_PAUSES_S = {"s": SENTENCE_S, "p": PARAGRAPH_S}


@dataclass(frozen=True, slots=True)
class Span:
    """Text in one manner, and the silence after it.

    Attributes:
        literal: It is words already.
        pause_s: None: as the text itself asks for.
    """

    text: str
    manner: Manner = PLAIN
    literal: bool = False
    pause_s: float | None = None


def is_ssml(text: str) -> bool:
    """Whether a text begins with <speak>."""
    return BEGIN.match(text) is not None


def read_ssml(text: str) -> list[Span]:
    """The spans in their order; one without text is a silence.

    Raises: InvalidFieldError: what is wrong, with its line and column.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(text, True)
    except expat.ExpatError as exc:
        message = expat.errors.messages.get(exc.code, str(exc))
        raise _wrong(message, exc.lineno, exc.offset) from None
    except Refused as exc:
        raise _wrong(str(exc), *reader.place) from None
    return reader.spans


def _wrong(message: str, line: int, column: int) -> InvalidFieldError:
    return InvalidFieldError(
        "inputs", f"SSML, line {line}, column {column + 1}: {message}", code="invalid_ssml"
    )


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that is not closed yet, and the manner inside of it."""

    name: str
    attributes: Mapping[str, str]
    manner: Manner


class _Reader:
    """Collects spans from expat's events."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._open: list[_Open] = []
        self._silence_s = 0.0
        self._told = False
        self.place = (1, 0)  # Line and column of the last tag that was opened.
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.buffer_size = 1 << 16  # A text in one piece, however its letters are encoded.
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype

    def _refuse_doctype(self, *_about: object) -> None:
        self.place = self._here
        raise Refused("a document type, and entities of one's own, are not taken")

    @property
    def _here(self) -> tuple[int, int]:
        return self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.place = self._here
        allowed = ATTRIBUTES.get(name)
        if allowed is None:
            raise Refused(f"there is no <{name}> here; there are {', '.join(ATTRIBUTES)}")
        unknown = next((key for key in attributes if key not in allowed), None)
        if unknown is not None:
            has = f"it has {', '.join(sorted(allowed))}"
            raise Refused(f"<{name}> has no attribute {unknown!r}; {has}")
        self._check_nesting(name)
        manner = self._open[-1].manner if self._open else PLAIN
        if name == "prosody":
            manner = prosody_of(attributes, manner)
        elif name == "break":
            self._pause(pause_of(attributes), told=True)
        elif name == "sub":
            self._add(_wanted(name, "alias", attributes), manner, literal=False)
        elif name == "say-as" and _wanted(name, "interpret-as", attributes) not in KINDS:
            kind = attributes["interpret-as"]
            raise Refused(f"say-as knows no {kind!r}; it knows {', '.join(sorted(KINDS))}")
        self._open.append(_Open(name, attributes, manner))

    def _check_nesting(self, name: str) -> None:
        if not self._open and name != "speak":
            raise Refused(f"the outermost element is speak, not {name}")
        if self._open and name == "speak":
            raise Refused("speak stands inside of nothing")
        if self._open and self._open[-1].name in ("break", "say-as", "sub"):
            raise Refused(f"<{self._open[-1].name}> holds no elements")

    def _end(self, name: str) -> None:
        self._open.pop()
        if name in CLOSING_PAUSES_S:
            self._pause(CLOSING_PAUSES_S[name], told=False)
        elif name == "speak" and self.spans and not self._told:
            # What a paragraph asks for is silence between it and the next.
            self.spans[-1] = replace(self.spans[-1], pause_s=None)

    def _text(self, text: str) -> None:
        inner = self._open[-1]
        if inner.name == "break" and text.strip():
            raise Refused("<break> holds no text")
        if inner.name == "sub":
            return
        if inner.name == "say-as":
            words = say_as(inner.attributes["interpret-as"], text.strip(), inner.attributes)
            self._add(words, inner.manner, literal=True)
        else:
            self._add(text, inner.manner, literal=False)

    def _add(self, text: str, manner: Manner, *, literal: bool) -> None:
        last = self.spans[-1] if self.spans else None
        joins = last is not None and last.pause_s is None and last.manner == manner
        if last is not None and joins and last.literal == literal:
            self.spans[-1] = replace(last, text=last.text + text)
        elif text.strip() or joins:
            self.spans.append(Span(text, manner, literal))
            self._told = False

    def _pause(self, seconds: float, *, told: bool) -> None:
        """What is told adds up; what the structure asks for is the least there is."""
        if told:
            self._silence_s += seconds
            if self._silence_s > MAX_SILENCE_S:
                raise Refused(f"all breaks together last longer than {MAX_SILENCE_S:g} s")
        if not self.spans:
            self.spans.append(Span(""))
        last = self.spans[-1]
        before_s = last.pause_s or 0.0
        both_s = before_s + seconds if told else max(before_s, seconds)
        self._told = told or (self._told and last.pause_s is not None)
        self.spans[-1] = replace(last, pause_s=both_s)


def _wanted(name: str, attribute: str, attributes: Mapping[str, str]) -> str:
    if not attributes.get(attribute):
        raise Refused(f"<{name}> needs the attribute {attribute!r}")
    return attributes[attribute]
