"""The command from end to end: a small model, a drawn folder, the three files."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from snag.evaluation.intervals import auroc_interval, clopper_pearson
from snag.evaluation.metrics import METRICS
from snag.evaluation.shortcuts import FEATURES
from tests.support.labelled_folder import DEFECT_COUNT, GOOD_COUNT, evaluate, page, rows


def test_a_model_that_sees_every_defect_has_perfect_figures(data: Path, run: Path) -> None:
    """All of them, with their intervals; two kinds of defect, told apart."""
    found = evaluate(data, run)

    assert {name: found[name] for name in ("image_auroc", "image_ap", "tpr", "fpr", "threshold")} == {
        "image_auroc": 1.0,
        "image_ap": 1.0,
        "tpr": 1.0,
        "fpr": 0.0,
        "threshold": 0.039,
    }
    area, fpr, tpr = (
        auroc_interval(1.0, GOOD_COUNT, 2 * DEFECT_COUNT),
        clopper_pearson(0, GOOD_COUNT),
        clopper_pearson(2 * DEFECT_COUNT, 2 * DEFECT_COUNT),
    )
    assert found["ci"] == {
        **dict.fromkeys(METRICS, None),
        "image_auroc": [area.low, 1.0],
        "fpr": [0.0, fpr.high],
        "tpr": [tpr.low, 1.0],
    }
    assert 0.5 < area.low < 0.9
    assert "ci_exact" not in found
    assert {kind: (row["image_auroc"], row["tpr"], row["count"]) for kind, row in found["per_defect"].items()} == {
        "bright": (1.0, 1.0, DEFECT_COUNT),
        "dark": (1.0, 1.0, DEFECT_COUNT),
    }
    assert list(found["per_class"]) == ["good", "bright", "dark"]
    assert found["counts"] == {
        "pictures": GOOD_COUNT + 2 * DEFECT_COUNT,
        "good": GOOD_COUNT,
        "bad": 2 * DEFECT_COUNT,
        "refused": 0,
        "unreadable": 0,
        "pixels": 14 * 48 * 64,
        "regions": 2 * DEFECT_COUNT,
    }


def test_the_audit_has_every_feature_raw_and_normalised(data: Path, run: Path) -> None:
    """Bright and dark defects spread the greys: the deviation is a perfect shortcut in both columns."""
    found = evaluate(data, run)

    assert list(found["shortcut_audit"]) == list(FEATURES)
    assert found["shortcut_audit"]["std"] == {"raw": 1.0, "normalised": 1.0, "raw_folded": 1.0, "normalised_folded": 1.0}
    assert found["shortcut_largest"]["raw"]["auroc_folded"] == 1.0


def test_the_table_has_a_row_for_each_picture(data: Path, run: Path) -> None:
    """With verdicts that agree with the threshold, and means that agree with metrics.json."""
    found = evaluate(data, run)

    table = rows(run)
    assert list(table[0]) == [
        *("path", "class", "label", "score", "p_value", "anomaly", "reconstruction_error", "brightness", "reason"),
        *("group", "threshold"),
    ]
    assert [row["path"] for row in table[:2]] == ["test/good/000.png", "test/good/001.png"]
    assert [row["class"] for row in table] == ["good"] * GOOD_COUNT + ["bright"] * DEFECT_COUNT + ["dark"] * DEFECT_COUNT
    assert all((row["label"] == "1") == (row["class"] != "good") for row in table)
    assert all((float(row["score"]) > 0.039) == (row["anomaly"] == "1") for row in table)
    dark = [float(row["reconstruction_error"]) for row in table if row["class"] == "dark"]
    spread = found["per_class"]["dark"]["reconstruction_error"]
    assert spread == pytest.approx({"mean": np.mean(dark), "std": np.std(dark, ddof=1), "min": min(dark), "max": max(dark)})
    assert float(table[0]["brightness"]) == pytest.approx(128 / 255, abs=0.01)


def test_batches_change_no_figure(data: Path, run: Path) -> None:
    """One at a time or all together; nor does evaluating again: the file is the same."""
    assert evaluate(data, run, "--batch", "1") == evaluate(data, run, "--batch", "64")


class Addresses(HTMLParser):
    """Collects every attribute that can load something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data", "action", "poster"}]


def test_the_page_needs_nothing_from_elsewhere(data: Path, run: Path) -> None:
    """No address, no script, no import: pictures are data, marks point into the page."""
    evaluate(data, run)

    text = page(run)
    addresses = Addresses()
    addresses.feed(text)
    assert len(addresses.found) > 30
    assert {address.split(",")[0] if address.startswith("data:") else address[:1] for address in addresses.found} <= {
        "data:image/jpeg;base64",
        "data:image/png;base64",
        "#",
    }
    assert not re.search(r"https?:|//\w|@import|<script|<link|javascript:", re.sub(r"base64,[^\"]*", "", text))


def test_the_page_shows_what_the_issue_asks_for(data: Path, run: Path) -> None:
    """A picture's five views, curves, histograms and tables for every class."""
    evaluate(data, run, "--gallery", "1")

    text = page(run)
    for title in ("Calibration", "By class", "Each defect against the good pictures", "ROC", "Precision and recall"):
        assert f">{title}<" in text
    assert text.count("<svg") == 2 + 2 + 2  # every picture, calibration; a pair for each defect; two curves
    assert text.count('<div class="exhibit">') == 3 * 2
    assert text.count(">ground truth<") == 6
    for caption in ("picture", "as the network sees it", "reconstruction", "anomaly map", "map on the picture"):
        assert text.count(f"<figcaption>{caption}</figcaption>") == 6


def test_names_from_the_disk_are_escaped(data: Path, run: Path) -> None:
    """A class called like markup or mathematics is text, in the page and in the plots."""
    (data / "test/bright").rename(data / "test/<b>$x$ & co")

    evaluate(data, run)

    assert "<b>$x$" not in page(run)
    assert page(run).count("&lt;b&gt;$x$ &amp; co") >= 4
