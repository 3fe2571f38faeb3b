"""The golden pictures of an archive: good parts whose scores were recorded when it was packed."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from snag.core.errors import BadArtifact
from snag.core.golden import GOLDEN_FILE, Golden, parse_golden
from snag.gate.upstream.address import Upstream
from snag.server.torchserve.probe import score_of


@dataclass(frozen=True)
class GoldenSet:
    """What was recorded, and the pictures themselves as encoded files, in the same order."""

    golden: Golden
    pictures: tuple[bytes, ...]


def golden_set(archive: Path) -> GoldenSet:
    """What lies in the archive. Raises BadArtifact where there is none."""
    try:
        with zipfile.ZipFile(archive) as file:
            golden = parse_golden(file.read(GOLDEN_FILE).decode(), archive)
            return GoldenSet(golden, tuple(file.read(picture.name) for picture in golden.pictures))
    except KeyError as error:
        detail = "it has no golden pictures to be checked with; run `make calibrate archive`"
        raise BadArtifact(path=archive, detail=detail) from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BadArtifact(path=archive, detail=f"its golden pictures can't be read ({error}); run `make archive`") from error


def check_over_http(upstream: Upstream, model: str, version: str, archive: Path) -> None:
    """Let a version that is up judge a golden picture as a client's would be judged.

    Its workers have checked all pictures themselves before they were ready. Raises GoldenMismatch when it scores another,
    ServerAnswer when there is no verdict, ServerUnreachable.
    """
    recorded = golden_set(archive)
    picture = recorded.golden.pictures[0]
    recorded.golden.check(picture, score_of(upstream, model, version, recorded.pictures[0]), "over HTTP")
