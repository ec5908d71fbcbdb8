"""Routes and schemas of an OpenAPI document as Markdown."""

import json
from collections.abc import Callable, Iterable

from docs.openapi_document import REF, Content, Route, Schema, references

Link = Callable[[str], str]  # A schema's name → the link to where it is described.

# FastAPI gives a 422 to every route with a parameter.
NOTHING_TOLD = ((), ("422",))
RANGES = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "minLength": "characters at least",
    "maxLength": "characters at most",
    "minItems": "items at least",
    "maxItems": "items at most",
}


def routes_section(routes: Iterable[Route], link: Link) -> str:
    """One table of all, then each route that has more to say."""
    routes = list(routes)
    if not routes:
        return "None."
    rows = [
        (f"`{r.name}`", r.summary, _contents(r.takes, link), _contents(r.answers, link))
        for r in routes
    ]
    details = [_detail(route, link) for route in routes if route.parameters or route.description]
    return "\n\n".join([_table(("route", "what it does", "takes", "answers"), rows), *details])


def schema_section(name: str, schema: Schema, link: Link) -> str:
    """A heading that links can lead to, and the fields."""
    parts = [f"### {name}"]
    if schema.get("description"):
        parts.append(_paragraphs(schema["description"]))
    properties: dict[str, Schema] = schema.get("properties", {})
    if properties:
        required = schema.get("required", ())
        rows = [
            _field(field, value, field in required, link) for field, value in properties.items()
        ]
        parts.append(_table(("field", "type", "default", "meaning"), rows))
    else:
        parts.append(f"{type_text(schema, link)}.")
    return "\n\n".join(parts)


def type_text(schema: Schema, link: Link) -> str:
    """A schema in a few words, such as ``array of number`` or one of its values."""
    if "$ref" in schema:
        return link(schema["$ref"].removeprefix(REF))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(type_text(one, link) for one in schema[key]))
    return _plain_type(schema, link)


def _plain_type(schema: Schema, link: Link) -> str:
    kind = schema.get("type", "anything")
    items, values = schema.get("items"), schema.get("additionalProperties")
    if kind == "array" and items:
        kind = f"array of {type_text(items, link)}"
    elif kind == "object" and isinstance(values, dict) and values:
        kind = f"object of {type_text(values, link)}"
    elif schema.get("format") == "binary":
        kind = "file"
    ranges = [f"{word} {schema[key]:g}" for key, word in RANGES.items() if key in schema]
    return ", ".join([str(kind), *ranges])


def _detail(route: Route, link: Link) -> str:
    parts = [f"### `{route.name}`"]
    if route.description:
        parts.append(_paragraphs(route.description))
    if route.parameters:
        rows = [
            (
                f"`{p['name']}`",
                p["in"],
                type_text(p.get("schema", {}), link),
                _default(p.get("schema", {}), required=p.get("required", False)),
                p.get("description") or p.get("schema", {}).get("description", ""),
            )
            for p in route.parameters
        ]
        parts.append(_table(("parameter", "in", "type", "default", "meaning"), rows))
    if route.errors not in NOTHING_TOLD:
        parts.append(f"Errors: {', '.join(route.errors)}.")
    return "\n\n".join(parts)


def _field(name: str, schema: Schema, required: bool, link: Link) -> tuple[str, ...]:
    return (
        f"`{name}`",
        type_text(schema, link),
        _default(schema, required=required),
        schema.get("description", ""),
    )


def _default(schema: Schema, *, required: bool) -> str:
    if required:
        return "required"
    return f"`{json.dumps(schema['default'])}`" if schema.get("default") is not None else ""


def _contents(contents: Iterable[Content], link: Link) -> str:
    texts = [
        text
        for content in contents
        for text in [link(name) for name in references(content.schema)]
        or [f"`{content.content_type}`"]
    ]
    return " or ".join(dict.fromkeys(texts))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _paragraphs(text: str) -> str:
    """As it is, but with Markdown's code marks for reStructuredText's."""
    return text.strip().replace("``", "`")
