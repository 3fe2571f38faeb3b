"""The documentation site: every page has one place in it, and the README stays a first look."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
PARTS = ["Home", "Tutorials", "How-to", "Reference", "Explanation"]


def places(entries: list[Any]) -> Iterator[str]:
    """Every page that the navigation leads to."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            [below] = entry.values()
            yield from places(below if isinstance(below, list) else [below])


def pages() -> set[str]:
    return {path.relative_to(DOCS).as_posix() for path in DOCS.glob("**/*.md") if DOCS / "results" not in path.parents}


def test_every_page_has_one_place_in_the_navigation() -> None:
    found = Counter(places(CONFIG["nav"]))

    assert set(found) == pages()
    assert [page for page, times in found.items() if times > 1] == []


def test_the_site_has_four_parts() -> None:
    assert [name for part in CONFIG["nav"] for name in part] == PARTS


def test_every_folder_of_pages_is_a_part_and_begins_with_a_page_that_leads_to_its_others() -> None:
    """Pages at the top of docs/ stand where tables and code name them."""
    folders = {"tutorials", "how-to", "reference", "explanation"}
    own = {folder: {page.removeprefix(f"{folder}/") for page in pages() if page.startswith(f"{folder}/")} for folder in folders}
    linked = {folder: set(re.findall(r"\]\(([\w-]+\.md)", (DOCS / folder / "index.md").read_text())) for folder in folders}

    assert {page.split("/")[0] for page in pages() if "/" in page} == folders
    assert {folder: own[folder] - {"index.md"} - linked[folder] for folder in folders} == {folder: set() for folder in folders}


def test_what_leads_nowhere_is_an_error() -> None:
    assert CONFIG["strict"] is True
    assert set(CONFIG["validation"]["links"].values()) | set(CONFIG["validation"]["nav"].values()) == {"warn"}
    [recipe] = re.findall(r"mkdocs build.*", (ROOT / "Makefile").read_text())
    assert "--strict" in recipe
    assert "--quiet" not in recipe  # mkdocs counts only the warnings that it prints
    assert re.search(r"^make docs$", (ROOT / ".ci" / "run").read_text(), re.M)


def test_the_site_asks_no_other_host() -> None:
    """No font, script or style of elsewhere: it opens on a machine without a network."""
    assert CONFIG["theme"]["font"] is False
    assert [one for kind in ("extra_css", "extra_javascript") for one in CONFIG.get(kind, []) if "://" in one] == []


def test_the_readme_is_a_first_look() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 220
