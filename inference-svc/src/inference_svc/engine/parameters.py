"""A request's task parameters, checked one by one; pure."""

from collections.abc import Mapping, Sequence

from fleetserve.errors import InvalidFieldError


class Parameters:
    """What a request gave; null counts as left out, but where a method says else.

    Args:
        known: Every name that the task takes.

    Raises: InvalidFieldError: a name that is not known, with those that are. The methods raise
        it for a value that is not allowed, named ``parameters.<name>``, with what is allowed.
    """

    def __init__(self, given: Mapping[str, object], known: Sequence[str]) -> None:
        for name in given:
            if name not in known:
                takes = ", ".join(sorted(known)) or "none"
                raise wrong(name, f"is not known; this model takes {takes}")
        self._given = given

    def has(self, name: str) -> bool:
        return self._given.get(name) is not None

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        value = self._given.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise wrong(name, f"is {value!r}; it takes an integer from {least} to {most}")
        return value

    def count(self, name: str, default: int | None, *, most: int) -> int | None:
        """How many are wanted; an explicit null: all of them (None)."""
        if name in self._given and self._given[name] is None:
            return None
        if default is None and name not in self._given:
            return None
        return self.integer(name, default or 1, least=1, most=most)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        value = self._given.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(name, f"is {value!r}; it takes a number from {least:g} to {most:g}")
        if not least <= value <= most:
            raise wrong(name, f"is {value!r}; it takes a number from {least:g} to {most:g}")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self._given.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise wrong(name, f"is {value!r}; it takes true or false")
        return value

    def choice(self, name: str, default: str, allowed: Sequence[str]) -> str:
        value = self._given.get(name)
        if value is None:
            return default
        if value not in allowed:
            raise wrong(name, f"is {value!r}; allowed are {', '.join(allowed)}")
        return str(value)

    def text(self, name: str, default: str) -> str:
        value = self._given.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise wrong(name, f"is {value!r}; it takes a string")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, or one string with commas; empty: it was left out."""
        value = self._given.get(name)
        if value is None:
            return ()
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise wrong(name, "takes a list of strings, or one string with commas between them")
        texts = tuple(part.strip() for part in parts)
        if not texts or not all(texts):
            raise wrong(name, "has an empty entry")
        return texts


def wrong(name: str, detail: str) -> InvalidFieldError:
    return InvalidFieldError(f"parameters.{name}", detail)
