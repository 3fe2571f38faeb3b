"""config.properties: the template in the checkout, and the resolved copy that a server is started with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from snag.core.errors import BadConfig


def resolve(template: str, values: Mapping[str, str]) -> str:
    """The template with the lines of `values` replaced, comments kept. Raises BadConfig for a key that it does not have."""
    lines, left = [], dict(values)
    for line in template.splitlines():
        key = line.partition("=")[0].strip()
        lines.append(f"{key}={escape(left.pop(key))}" if key in left else line)
    if left:
        raise BadConfig(detail=f"config.properties: expected lines for {', '.join(sorted(left))}")
    return "\n".join(lines) + "\n"


def properties(text: str) -> dict[str, str]:
    """The keys and values of a properties file as we write them: one a line, no continuation lines."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.lstrip().startswith(("#", "!")))
    return {key.strip(): value.strip() for key, _, value in pairs}


def read_template(path: Path) -> str:
    """The template's text. Raises BadConfig."""
    try:
        return path.read_text()
    except OSError as error:
        raise BadConfig(detail=f"{path}: {error.strerror}; expected TorchServe's settings") from error


def escape(value: str) -> str:
    """A value as Java reads it back: the format is Latin-1 with backslash escapes."""
    return "".join(_escape_one(character) for character in value)


def allowed_urls(model_store: Path) -> str:
    """The pattern that lets archives of the store through and nothing else."""
    return f"file://{re.escape(str(model_store))}/[^/]*"


def _escape_one(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if " " <= character <= "~":
        return character
    return "".join(f"\\u{unit:04x}" for unit in _utf16(character))


def _utf16(character: str) -> list[int]:
    data = character.encode("utf-16-be")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]
