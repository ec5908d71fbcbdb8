"""Sections of keys in a YAML file, checked by a pydantic model; errors name file, line and key."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)


class SettingsError(Exception):
    """The configuration is wrong; the text names file, line, key and what is allowed."""


@dataclass(slots=True)
class Layers:
    """Values by section and key; a later ``put`` wins, and is the source that is named."""

    values: dict[str, dict[str, object]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def put(self, section: str, key: str, value: object, source: str) -> None:
        self.values.setdefault(section, {})[key] = value
        self.sources[f"{section}.{key}"] = source


def read_file(path: Path, model: type[BaseModel], layers: Layers) -> None:
    """Puts the file's values into the layers, each with its ``file:line``.

    Raises: SettingsError: not YAML, not sections of keys, or a section the model has not.
    """
    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeError, yaml.YAMLError) as exc:
        raise SettingsError(f"{path}: not readable as YAML: {exc}") from None
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise SettingsError(
            f"{path}: the file must be a mapping of sections: {section_names(model)}"
        )
    for section_node, body in root.value:
        section, where = str(section_node.value), f"{path}:{section_node.start_mark.line + 1}"
        if section not in model.model_fields:
            raise SettingsError(
                f"{where}: {section}: no such section; allowed: {section_names(model)}"
            )
        if isinstance(body, yaml.ScalarNode) and body.value in ("", "~", "null"):
            continue
        if not isinstance(body, yaml.MappingNode):
            raise SettingsError(f"{where}: {section}: must be a mapping of keys to values")
        for key_node, value_node in body.value:
            key, line = str(key_node.value), f"{path}:{key_node.start_mark.line + 1}"
            layers.put(section, key, _value_of(value_node, f"{line}: {section}.{key}"), line)


def _value_of(node: yaml.Node, where: str) -> object:
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except yaml.YAMLError as exc:
        raise SettingsError(f"{where}: {exc}") from None


def validated(model: type[Model], layers: Layers) -> Model:
    """The model of the layers' values.

    Raises: SettingsError: every wrong key and value, a line each.
    """
    try:
        return model.model_validate(layers.values)
    except ValidationError as exc:
        lines = [_explain(model, error, layers.sources) for error in exc.errors()]
        raise SettingsError("\n".join(lines)) from None


def section_names(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _explain(model: type[BaseModel], error: ErrorDetails, sources: Mapping[str, str]) -> str:
    section, key = (*(str(part) for part in error["loc"][:2]), "", "")[:2]
    name = f"{section}.{key}"
    where = sources.get(name, "default")
    if error["type"] == "extra_forbidden":
        return f"{where}: {name}: no such key; {_allowed_keys(model, section, key)}"
    allowed = _allowed_values(model, section, key)
    return f"{where}: {name}: {error['msg']} (got {error['input']!r}){allowed}"


def _allowed_keys(model: type[BaseModel], section: str, key: str) -> str:
    keys = list(_fields_of(model, section))
    near = difflib.get_close_matches(key, keys, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}allowed: {', '.join(keys)}"


def _allowed_values(model: type[BaseModel], section: str, key: str) -> str:
    description = _fields_of(model, section).get(key)
    return f"; {description}" if description else ""


def _fields_of(model: type[BaseModel], section: str) -> dict[str, str | None]:
    """A section's keys and what each says of itself; nothing where keys are free."""
    annotation = model.model_fields[section].annotation
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return {}
    return {key: info.description for key, info in annotation.model_fields.items()}
