"""The dashboard: what it asks for is there, and it fits together."""

import json
import re
from collections import Counter

import pytest

from tests.support.promql import PROMETHEUS, metrics, names, rules, unknown

DASHBOARD = json.loads((PROMETHEUS.parent / "grafana" / "snag.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = {f"{panel['title']}, {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_it_asks_for_what_there_is(query):
    """Every metric and label of a query is one that worker, gate or Prometheus itself give, or that a rule records."""
    assert names(query)
    assert unknown(query) == set()


def test_what_matters_is_shown():
    """No metric of worker or gate is left out of it, but for totals that a panel shows in parts."""
    parts = ("_bucket", "_sum", "_count")
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for query in QUERIES.values() for name in names(query)}
    there = {re.sub(r"_(bucket|sum|count)$", "", name) if name.endswith(parts) else name for name in metrics()}
    recorded = {rule.get("record") for rule in rules()}

    assert there - shown - recorded - {"up"} == set()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_explains_itself(panel):
    """Each has a sentence that says what it shows, a unit, and a name for every line."""
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert all(target["legendFormat"] for target in panel["targets"])


def test_the_source_can_be_chosen():
    """No panel is tied to somebody's own Prometheus."""
    sources = {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]}
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}

    assert sources == {"${datasource}"}
    assert {name for query in QUERIES.values() for name in re.findall(r"\$(?!__)(\w+)", query)} | {"datasource"} == variables


def test_panels_do_not_overlap():
    """Each has a number and a place of its own on the grid of 24 columns."""
    cells = Counter(
        (x, y)
        for one in DASHBOARD["panels"]
        for x in range(one["gridPos"]["x"], one["gridPos"]["x"] + one["gridPos"]["w"])
        for y in range(one["gridPos"]["y"], one["gridPos"]["y"] + one["gridPos"]["h"])
    )

    assert max(cells.values()) == 1
    assert max(x for x, _ in cells) == 23
    assert len({one["id"] for one in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
