"""What can be asked of Prometheus: every metric of worker and gate with its labels, and the metrics that a query names."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.metrics import MetricWrapperBase

from snag.core.telemetry import HISTOGRAM, declared
from snag.gate.drift import Drift
from snag.gate.metrics import GateMetrics
from snag.gate.upstream.state import UpstreamState

PROMETHEUS = Path(__file__).parents[2] / "deploy" / "prometheus"
#: Labels that Prometheus adds to everything that it scrapes.
SCRAPED = {"job", "instance"}
PARTS = {"_bucket": {"le"}, "_sum": set(), "_count": set()}
_NAME = re.compile(r"(?<![\w:$.\"])(?:up|snag[\w:]*)(?![\w:]*\()")
_SELECTOR = re.compile(r"(?<![\w:])(up|snag[\w:]*)\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|on|ignoring|group_left)\s*\(([^)]*)\)")


def rules() -> list[dict[str, Any]]:
    """Every rule of alerts.yml, recorded ones and alerts."""
    return [rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]


@cache
def metrics() -> dict[str, set[str]]:
    """Every series of a server by name, with its labels; recorded ones have the labels that their rules group by."""
    table = {"up": set(SCRAPED)}
    for (kind, name), labels in declared().items():
        table |= _parts(name, set(labels), kind == HISTOGRAM)
    gate = GateMetrics(UpstreamState(1.0), lambda: 0, lambda: False)
    gate.registry.register(Drift(None, lambda *_: None, print))
    for family in gate.registry.collect():
        table |= _parts(_sample(family.name, family.type), set(getattr(family, "_labelnames", ())), False)
    for own in vars(gate).values():
        if isinstance(own, MetricWrapperBase):
            table |= _parts(_sample(own._name, own._type), set(own._labelnames), own._type == HISTOGRAM)
    for rule in rules():
        if "record" in rule:
            table[rule["record"]] = {"job", "model_name", "model_version", "property", *rule.get("labels", {})}
    return table


def _sample(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name


def _parts(name: str, labels: set[str], is_histogram: bool) -> dict[str, set[str]]:
    labels = labels | SCRAPED
    return {name + part: labels | more for part, more in PARTS.items()} if is_histogram else {name: labels}


def names(query: str) -> set[str]:
    """The metrics that a query names."""
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', query)))


def selected(query: str) -> set[tuple[str, str]]:
    """(metric, label) for each label that the query selects by."""
    return {
        (name, label)
        for name, inside in _SELECTOR.findall(query)
        for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', inside)
    }


def grouped(query: str) -> set[str]:
    """Labels that the query groups or matches by."""
    return {label for inside in _GROUPING.findall(query) for label in re.findall(r"\w+", inside)}


def unknown(query: str) -> set[str]:
    """What the query names and a server does not have: metrics, and labels that none of its metrics carries."""
    table = metrics()
    labels = set().union(*(table.get(name, set()) for name in names(query)))
    return (
        {name for name in names(query) if name not in table}
        | {f"{name}{{{label}}}" for name, label in selected(query) if label not in table.get(name, set())}
        | {label for label in grouped(query) if label not in labels}
    )
