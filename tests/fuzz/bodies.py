"""Bodies made from OpenAPI: a good one, and all that it becomes with something bad in one place."""

import json
from collections.abc import Iterator
from typing import Any

_MARK = "here-is-what-is-bad"
ANYWHERE = ("NaN", "-Infinity", "1e999", "9" * 5_000, str(2**63), "{}", "[]", "[" * 10_000 + "]" * 10_000)
IN_TEXT = (*ANYWHERE, "true", '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"\x00"', '"' + "x" * 64_000 + '"')
IN_NUMBERS = (*ANYWHERE, "true", '"12"', "1e3", "1.0", "1e400000000", "-1", "0x10", '"\u0661"')
IN_SWITCHES = (*ANYWHERE, "1", "0.0", '"true"', '"on"')
BY_TYPE = {"string": IN_TEXT, "integer": IN_NUMBERS, "boolean": IN_SWITCHES}


def bad_bodies(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[bytes]:
    """Each field of a body of this schema with each bad value, each said twice, and one that nobody knows."""
    good, fields = _good(schema, document), list(_fields(schema, document))
    begin, one, end = ("[", good[0], "]") if isinstance(good, list) else ("", good, "")
    yield f"{begin}{json.dumps({**one, 'surprise': 1})}{end}".encode()
    for name, value in one.items():
        yield f"{begin}{json.dumps(one)[:-1]}, {json.dumps({name: value})[1:]}{end}".encode()
    for place, kind in fields:
        marked = json.dumps(_with(good, place, _MARK))
        for value in BY_TYPE[kind]:
            yield marked.replace(f'"{_MARK}"', value).encode()


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "anyOf" in schema or "$ref" in schema:
        if "anyOf" in schema:
            schema = schema["anyOf"][0]
        else:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _good(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    schema = _resolved(schema, document)
    match schema["type"]:
        case "object":
            return {name: _good(each, document) for name, each in schema["properties"].items()}
        case "array":
            return [_good(schema["items"], document)]
        case "integer":
            return 1
        case "boolean":
            return False
    known = {"uuid": "00000000-0000-4000-8000-000000000000", "^[A-Z]{3}$": "USD", "^ORD-[0-9]{10}$": "ORD-0000000023"}
    usual = "a@example.org" if "@" in schema.get("pattern", "") else "long enough"
    return schema.get("enum", [known.get(schema.get("format") or schema.get("pattern", ""), usual)])[0]


Place = tuple[str | int, ...]


def _fields(schema: dict[str, Any], document: dict[str, Any], at: Place = ()) -> Iterator[tuple[Place, str]]:
    schema = _resolved(schema, document)
    if schema["type"] == "object":
        for name, each in schema["properties"].items():
            yield from _fields(each, document, (*at, name))
    elif schema["type"] == "array":
        yield from _fields(schema["items"], document, (*at, 0))
    else:
        yield at, schema["type"]


def _with(body: Any, place: Place, value: str) -> Any:
    if not place:
        return value
    copy: Any = dict(body) if isinstance(body, dict) else list(body)
    copy[place[0]] = _with(body[place[0]], place[1:], value)
    return copy
