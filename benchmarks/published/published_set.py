"""A published data set: what it is, where it is published, and how it is laid out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.published.layout import Layout
from benchmarks.published.source import Source


@dataclass(frozen=True)
class PublishedSet:
    """One data set."""

    name: str  #: of its folder
    title: str  #: what documents call it
    content: str  #: one sentence
    repository: str  #: owner and name, on GitHub
    commit: str  #: its pictures are read from this one
    folder: str  #: where they lie in it; empty: at the top
    licence: str  #: as stated there
    lay_out: Callable[[Source, Layout], None]
