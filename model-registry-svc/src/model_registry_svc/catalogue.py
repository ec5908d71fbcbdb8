"""models.json: the models this fleet knows how to get, checked at the start."""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from fleetserve.config_sources import SettingsError
from fleetserve.errors import InvalidFieldError
from fleetserve.model_records import canonical_name
from fleetserve.tasks import Task
from model_registry_svc.json_lines import line_of
from model_registry_svc.names import check_name
from model_registry_svc.plan import VoiceFile

Names = Annotated[tuple[str, ...], Field(min_length=1)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TtsFeatures(_Part):
    """What a speaking model can do, as its publisher says."""

    languages: tuple[str, ...] = ()
    voices: str = Field("", description="How a voice is chosen.")
    sample_rate_hz: int | None = None


class CatalogueEntry(_Part):
    """One model; what stands here a caller need not say."""

    source: Literal["huggingface", "url", "local", "torchvision"]
    model_id: str = Field(min_length=1)
    task: Task
    description: str
    size_mb: float = Field(gt=0, description="What a download takes, in MB, roughly.")
    license: str = Field(min_length=1)
    display_name: str = ""
    tags: tuple[str, ...] = ()
    revision: str | None = None
    allow_pickle: bool = False
    include_vocoder: bool = False
    vocoder_model: str | None = None
    input_rank: int | None = Field(None, ge=0, le=8)
    tts_features: TtsFeatures = TtsFeatures()


class VoiceEntry(_Part):
    """An x-vector on the public hub; ``sha256`` decides whether it is the right one."""

    address: AnyHttpUrl
    sha256: Sha256
    size: int = Field(gt=0)
    mirrors: tuple[AnyHttpUrl, ...] = ()
    description: str = ""


class Catalogue(_Part):
    """The whole file; an empty one is valid.

    Attributes:
        aliases: Other names of models, for clients that ask by those; of several models the
            first that is here is meant.
        voice_aliases: Other names of voices: of those that each may mean, the first that the
            model has; every model has ``default``.
        voices: By name; ``default`` is what SpeechT5 models speak with.
        load_at_start: Fetched, if they are not here, when the fleet starts.
    """

    available_models: dict[str, CatalogueEntry] = {}
    model_groups: dict[str, tuple[str, ...]] = {}
    aliases: dict[str, str | Names] = {}
    voice_aliases: dict[str, str | Names] = {}
    voices: dict[str, VoiceEntry] = {}
    load_at_start: tuple[str, ...] = ()
    popular_tts_models: tuple[str, ...] = ()
    download_recommendations: dict[str, tuple[str, ...]] = {}

    @field_validator("available_models")
    @classmethod
    def _check_names(cls, models: dict[str, CatalogueEntry]) -> dict[str, CatalogueEntry]:
        seen: dict[str, str] = {}
        for name in models:
            try:
                check_name(name)
            except InvalidFieldError as exc:
                raise ValueError(exc.detail) from None
            other = seen.setdefault(canonical_name(name), name)
            if other != name:
                raise ValueError(f"{name!r} and {other!r} are one name")
        return models

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        for where, name in self._references():
            if name not in self.available_models:
                near = difflib.get_close_matches(name, list(self.available_models), n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"{where}: {name!r} is not in available_models{hint}")
        return self

    def _references(self) -> Iterator[tuple[str, str]]:
        named: list[tuple[str, tuple[str, ...]]] = [
            ("load_at_start", self.load_at_start),
            ("popular_tts_models", self.popular_tts_models),
        ]
        named += [
            (f"aliases.{key}", (names,) if isinstance(names, str) else names)
            for key, names in self.aliases.items()
        ]
        named += [(f"model_groups.{key}", names) for key, names in self.model_groups.items()]
        named += [
            (f"download_recommendations.{key}", names)
            for key, names in self.download_recommendations.items()
        ]
        yield from ((where, name) for where, names in named for name in names)

    def find(self, source: str, model_id: str) -> CatalogueEntry | None:
        """The entry of that model, under whatever name."""
        return next(
            (
                entry
                for entry in self.available_models.values()
                if (entry.source, entry.model_id) == (source, model_id)
            ),
            None,
        )

    def allows_pickle_of_vocoder(self, model_id: str) -> bool:
        """Whether an entry takes this vocoder's pickle along, so that it is trusted."""
        return any(
            entry.vocoder_model == model_id and entry.allow_pickle
            for entry in self.available_models.values()
        )

    def voice_files(self, *, mirrors: bool) -> tuple[VoiceFile, ...]:
        """The voices, with the addresses to try after the hub's if ``mirrors``."""
        return tuple(
            VoiceFile(
                name=name,
                address=str(voice.address),
                sha256=voice.sha256,
                size=voice.size,
                mirrors=tuple(str(mirror) for mirror in voice.mirrors) if mirrors else (),
            )
            for name, voice in self.voices.items()
        )


def load_catalogue(path: Path) -> Catalogue:
    """The catalogue; an empty one if there is no file.

    Raises: SettingsError: with file, line, key and what is allowed, for all mistakes at once.
    """
    if not path.is_file():
        return Catalogue()
    try:
        text = path.read_text(encoding="utf-8")
        loaded = json.loads(text)
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{path}: not UTF-8: {exc}") from None
    except json.JSONDecodeError as exc:
        raise SettingsError(f"{path}:{exc.lineno}: not JSON: {exc.msg}") from None
    if not isinstance(loaded, dict):
        allowed = ", ".join(Catalogue.model_fields)
        raise SettingsError(f"{path}:1: must be an object with the keys {allowed}")
    try:
        return Catalogue.model_validate(loaded)
    except ValidationError as exc:
        lines = [_explain(path, text, error) for error in exc.errors()]
        raise SettingsError("\n".join(lines)) from None


def _explain(path: Path, text: str, error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    keys = [str(part) for part in error["loc"]]
    if not keys:
        # The file's own validator names the key itself.
        dotted, _, message = message.partition(": ")
        keys = dotted.split(".")
    where = f"{path}:{line_of(text, keys)}: {'.'.join(keys)}"
    if error["type"] == "extra_forbidden":
        return f"{where}: no such key; allowed: {', '.join(_allowed_keys(keys))}"
    given = error["input"]
    shown = f" (got {given!r})" if isinstance(given, str | int | float | bool) else ""
    return f"{where}: {message}{shown}"


def _allowed_keys(keys: list[str]) -> list[str]:
    models: Mapping[str, type[BaseModel]] = {
        "available_models": CatalogueEntry,
        "voices": VoiceEntry,
    }
    if len(keys) == 1:
        return list(Catalogue.model_fields)
    if "tts_features" in keys[:-1]:
        return list(TtsFeatures.model_fields)
    fields: dict[str, Any] = dict(models[keys[0]].model_fields)
    return list(fields)
