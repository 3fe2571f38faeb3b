"""The format of models and archives: a number in each model, by which one of another Snag is told from a damaged file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from snag.core.errors import BadArtifact

FORMAT_KEY: Final = "format"  #: among the settings that lie inside of a model
FORMAT: Final = 3  #: 1 named no format, 2 told of one map
#: Archives of format 1 carried the code that scores here.
_SCORED_BEFORE: Final = "snag/artifact.py"


def check_model(settings: Mapping[str, Any], path: Path) -> None:
    """Raise BadArtifact unless the model with these settings, read from `path`, is of this format."""
    found = settings.get(FORMAT_KEY, 1)
    if found == FORMAT:
        return
    whose = "an older" if isinstance(found, int) and found < FORMAT else "another"
    raise BadArtifact(
        path=path, detail=f"made by {whose} Snag, format {found} instead of {FORMAT}; train it again: `make train calibrate`"
    )


def check_archive(names: Collection[str], path: Path) -> None:
    """Raise BadArtifact where the files of an archive are those of an older Snag."""
    if _SCORED_BEFORE in names:
        raise BadArtifact(path=path, detail="packed by an older Snag; train and pack it again: `make train calibrate archive`")
