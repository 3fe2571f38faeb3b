"""addresses.md: every address of the gate, from the OpenAPI document that it serves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from reference.markdown import capital, code, codes, page, prose, table
from snag.gate.openapi.document import document
from snag.gate.settings import GateSettings
from snag.server.settings import ServeSettings

_METHODS: Final = ("get", "post", "put", "options")
_LEAD: Final = (
    "A running server says the same to programs at `/openapi.json` (OpenAPI 3.1), and has a page to try requests at `/docs`, "
    "both at the port of predictions."
)
Json = dict[str, Any]


def addresses() -> str:
    """The page, for a server whose settings are the defaults."""
    api = document(default_gate())
    sections = [_section(api, tag) for tag in api["tags"]]
    return page("Every address", f"{api['info']['description']}\n{_LEAD}", *sections, _access(api), _schemas(api))


def default_gate() -> GateSettings:
    """A gate as `snag serve` makes it when it is told nothing."""
    inference, management, metrics = (
        ("127.0.0.1", ServeSettings.model_fields[f"{name}_port"].default) for name in ("inference", "management", "metrics")
    )
    return GateSettings(inference, management, metrics, tokens=None, log_file=Path("requests.log"))


def resolved(api: Json, part: Any) -> Any:
    """What a reference leads to; what is none, as it is."""
    while isinstance(part, dict) and "$ref" in part:
        found: Any = api
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def _section(api: Json, tag: Json) -> str:
    """The operations of a tag; those that differ in path and method alone share their tables."""
    found = [
        (path, method, item)
        for path, item in api["paths"].items()
        for method in _METHODS
        if method in item and tag["name"] in item[method]["tags"]
    ]
    found.sort(key=lambda one: one[1] == "options")  # what only browsers ask comes last
    pieces = [f"## {capital(tag['name']).rstrip('.')}", prose(capital(tag["description"]))]
    for _, group in groupby(found, key=lambda one: _signature(api, *one)):
        pieces += _operation(api, list(group))
    return "\n\n".join(filter(None, pieces))


def _signature(api: Json, path: str, method: str, item: Json) -> str:
    return repr((item.get("servers"), _parameters(api, item, method, "query"), item[method]["responses"]))


def _operation(api: Json, group: list[tuple[str, str, Json]]) -> Iterator[str]:
    _, method, item = group[-1]
    operation = item[method]
    methods = ", ".join(dict.fromkeys(name.upper() for _, name, _ in group))
    paths = {where: one[name]["summary"] for where, name, one in group}
    yield table(
        ["method", "path", "what it does"],
        [[methods, code(where), prose(capital(summary))] for where, summary in paths.items()],
    )
    server = (item.get("servers") or api["servers"])[0]
    if server["url"] != "/":
        host = server["variables"]["host"]["default"]
        yield f"At {server['description']}, `{server['url'].format(host=host)}` unless the server is told otherwise."
    asked = _parameters(api, item, method)
    rows = [[code(one["name"]), one["in"], _type(one["schema"]), prose(capital(one["description"]))] for one in asked]
    yield table(["parameter", "in", "value", "meaning"], rows)
    yield table(["body", "content"], _bodies(operation))
    yield table(["status", "answer", "content"], _answers(api, operation))


def _parameters(api: Json, item: Json, method: str, place: str = "") -> list[Json]:
    asked = [resolved(api, one) for one in (*item.get("parameters", ()), *item[method].get("parameters", ()))]
    return [one for one in asked if place in ("", one["in"])]


def _bodies(operation: Json) -> Iterator[list[str]]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield [code(kind), _type(content["schema"]) or "the picture itself"]


def _answers(api: Json, operation: Json) -> Iterator[list[str]]:
    for status, answer in operation["responses"].items():
        said = resolved(api, answer)
        contents = said.get("content", {})
        kinds = [f"{code(kind)} {_type(content['schema'])}".strip() for kind, content in contents.items()]
        yield [status, prose(said["description"]), "; ".join(kinds)]


def _access(api: Json) -> str:
    token = api["components"]["securitySchemes"]["token"]
    told = [capital(f"a token is {token['description']}"), "It is sent as `Authorization: Bearer <token>`."]
    wanted = ["Verdicts alone ask for it.", "Health, models, metrics and documentation never do."]
    return "\n".join(["## Tokens\n", *(prose(line) for line in (*told, *wanted))])


def _schemas(api: Json) -> str:
    pieces = ["## Schemas"]
    for name, schema in api["components"]["schemas"].items():
        whole = _merged(api, schema)
        rows = [
            [
                code(field),
                _type(told),
                "yes" if field in whole["required"] else "",
                prose(capital(told.get("description", " ")).strip(". ")),
            ]
            for field, told in whole["properties"].items()
        ]
        if rows:
            pieces += [
                f"### {name}",
                prose(schema.get("description", "")),
                table(["field", "value", "always", "meaning"], rows),
            ]
    return "\n\n".join(filter(None, pieces))


def _merged(api: Json, schema: Json) -> Json:
    """Properties of an object, with those of what it extends."""
    whole: Json = {"required": set(), "properties": {}}
    for part in (schema, *schema.get("allOf", ())):
        found = resolved(api, part)
        found = found.get("items", found) if "properties" not in found else found
        whole["required"] |= set(found.get("required", ()))
        whole["properties"] |= found.get("properties", {})
    return whole


def _type(schema: Json) -> str:
    """A schema in a few words, with links to those that have a section."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "name" if name == "Name" else f"[{name}](#{name.lower()})"
    for key, sign in (("oneOf", " or "), ("allOf", " and ")):
        if all("$ref" in one for one in schema.get(key, ({},))):
            return sign.join(_type(one) for one in schema[key])
    if "allOf" in schema:
        return _type(schema["allOf"][0])
    if "const" in schema or "enum" in schema:
        return codes(schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {})) or 'objects'}"
    if schema.get("contentEncoding"):
        return f"{schema.get('contentMediaType', 'picture')} in {schema['contentEncoding']}"
    return "bytes" if schema.get("format") == "binary" else str(schema.get("type", ""))
