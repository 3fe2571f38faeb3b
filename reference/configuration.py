"""configuration.md: the files of settings, each with the comments that stand in it, and what presets change."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from reference.commands import default, flag
from reference.markdown import code, codes, page, prose, table
from snag.training.settings import PRESETS, TrainSettings

_ROOT: Final = Path(__file__).parents[1]
_LEAD: Final = "What a verb takes on its command line stands in [Commands](commands.md); here are the files."
_PRESETS: Final = (
    "## Presets\n\n`training/presets/<preset>.toml`, chosen with `--preset`.\n"
    "A preset holds only what differs from the defaults of `snag train`; your own file (`--config`) has the same form."
)
_MODEL: Final = (
    "## handler/model-config.yaml\n\nHow the server runs one model.\n"
    "It travels inside the archive: pack and serve again after a change."
)
_SERVER: Final = (
    "## config.properties\n\nTorchServe's settings.\n"
    "`snag serve` writes a copy into the server's folder; what is marked with \\* is filled in there."
)
#: A comment, or a setting, or one that is commented out: `# max_pixels: 50000000`.
_YAML: Final = re.compile(r"^ *(?:# )?(\w+):(?: (\S+))?$")
_PROPERTY: Final = re.compile(r"^(\w+)=(.*)$")


def configuration() -> str:
    """The page."""
    columns = ["setting", "meaning"]
    return page(
        "Configuration",
        _LEAD,
        _PRESETS,
        table(["setting", "default", *(code(name) for name in _presets())], _differences()),
        _MODEL,
        table(columns, commented((_ROOT / "handler" / "model-config.yaml").read_text(encoding="utf-8"), _YAML, ": ")),
        _SERVER,
        table(columns, commented((_ROOT / "config.properties").read_text(encoding="utf-8"), _PROPERTY, "=")),
    )


def commented(text: str, setting: re.Pattern[str], sign: str) -> Iterator[list[str]]:
    """Rows of settings with the comment above them; those that stand below one comment share it.

    `setting` finds name and value of a line; a name with None for its value begins a table. One that is commented out has no
    value here.
    """
    comment: list[str] = []
    names: list[str] = []
    for line in [*text.splitlines(), ""]:
        found = setting.match(line)
        if found is not None and found[2] is None:  # a table begins
            comment, names = [], []
            continue
        if found is not None:
            is_set = not line.strip().startswith("#")
            names.append(found[1] + sign + found[2] if is_set and found[2] else found[1])
            continue
        if names:
            yield [codes(names), prose(" ".join(comment))]
            comment, names = [], []
        is_comment = line.strip().startswith("# ") and not line.startswith("# ---")
        comment = [*comment, line.strip().removeprefix("# ")] if is_comment else []


def _presets() -> dict[str, dict[str, Any]]:
    order = ("quick", "default", "scratch", "baseline")
    files = sorted(PRESETS.glob("*.toml"), key=lambda path: (order.index(path.stem) if path.stem in order else 9, path.stem))
    found = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in files}
    return {name: table for name, table in found.items() if table}


def _differences() -> Iterator[list[str]]:
    presets = _presets()
    for name, field in TrainSettings.model_fields.items():
        if any(name in table for table in presets.values()):
            told = [code(str(table[name]).lower()) if name in table else "" for table in presets.values()]
            yield [code(flag(name, field)), default(field), *told]
