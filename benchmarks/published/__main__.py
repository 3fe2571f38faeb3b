"""`python -m benchmarks.published`: published pictures of real parts, laid out as MVTec AD to judge a detector on.

`benchmarks/published/sets.py` lists the sets; beside the code of each stand what it shows, where it is published and under
which licence. Fetch a set first, as a plain folder or as a git repository; nothing is downloaded. Of a repository the files of
one commit are read, which is named beside the set too: its newest files may be others by now.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from benchmarks.published.layout import Layout
from benchmarks.published.sets import SETS
from benchmarks.published.source import opened
from snag.cli.settings import Settings, from_flags, run
from snag.core.errors import BadConfig
from snag.training.data.folders import whole_folder


class PublishedSettings(Settings):
    """Lay a published data set out in MVTec layout."""

    set: str = Field(description=f"which it is: {', '.join(SETS)}")
    source: Path = Field(description="its folder as published, or a git repository that holds it, checked out or bare")
    out: Path = Field(Path("data"), description="folder of the data sets")

    @field_validator("set")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in SETS:
            raise ValueError(f"expected one of {', '.join(SETS)}")
        return name


def published(settings: PublishedSettings) -> None:
    """Lay it out, whole or not at all. Raises BadConfig where a folder is there already, or the source is another one."""
    folder, chosen = settings.out / settings.set, SETS[settings.set]
    if folder.exists():
        raise BadConfig(detail=f"{folder} is there already; remove it, or choose another folder with --out")
    with opened(settings.source, chosen.commit, chosen.folder) as source, whole_folder(folder) as whole:
        layout = Layout(whole)
        try:
            chosen.lay_out(source, layout)
            layout.required()
        except (OSError, LookupError, ValueError) as error:
            raise BadConfig(
                detail=f"{settings.source}: {error}; expected the data set as it is published: github.com/{chosen.repository}, "
                f"commit {chosen.commit[:8]}, {f'folder {chosen.folder}' if chosen.folder else 'all of it'}"
            ) from error
    print(f"{folder}: {', '.join(f'{count} {part}' for part, count in layout.counts.items())}; licence: {chosen.licence}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; see `--help`."""
    return run(lambda: published(from_flags(PublishedSettings, argv)))


if __name__ == "__main__":
    raise SystemExit(main())
