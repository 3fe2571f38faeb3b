"""The published data sets, by the names of their folders."""

from __future__ import annotations

from typing import Final

from benchmarks.published.parts import ALIEN_TOY, CASTING, COOKIE, PILLS, SCREW_BLOCK
from benchmarks.published.published_set import PublishedSet
from benchmarks.published.surfaces import BALLSCREW, MONOCRYSTALLINE, PAPERS, POLYCRYSTALLINE, TIRE

_ALL: Final = (
    BALLSCREW, MONOCRYSTALLINE, POLYCRYSTALLINE, PILLS, TIRE, PAPERS, CASTING, SCREW_BLOCK, ALIEN_TOY, COOKIE,
)  # fmt: skip
SETS: Final[dict[str, PublishedSet]] = {one.name: one for one in _ALL}
