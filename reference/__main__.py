"""`python -m reference`: write the pages of the reference from the code, and the notebooks of tutorials from their pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import Field

from reference.addresses import addresses
from reference.alerts import alerts
from reference.commands import commands
from reference.configuration import configuration
from reference.error_table import error_table
from reference.line import line
from reference.metrics import metrics
from reference.notebooks import NOTEBOOKS, notebook
from snag.cli.settings import Settings, from_flags, run
from snag.core.files import write_text

PAGES: Final[dict[str, Callable[[], str]]] = {
    "commands.md": commands,
    "configuration.md": configuration,
    "line.md": line,
    "addresses.md": addresses,
    "errors.md": error_table,
    "metrics.md": metrics,
    "alerts.md": alerts,
}


class ReferenceSettings(Settings):
    """Write the pages of the reference, and the notebooks of tutorials."""

    out: Path = Field(Path("docs/reference"), description="folder of the pages")
    tutorials: Path = Field(Path("docs/tutorials"), description="folder of the notebooks")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `python -m reference`."""
    return run(lambda: write(from_flags(ReferenceSettings, argv)))


def write(settings: ReferenceSettings) -> None:
    """Write every page and notebook that is not there as it should be. Raises DiskFull."""
    pages = {settings.out / name: made() for name, made in PAGES.items()}
    for path, text in (pages | {settings.tutorials / f"{name}.ipynb": notebook(name) for name in NOTEBOOKS}).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
            print(f"written: {path}")


if __name__ == "__main__":
    raise SystemExit(main())
