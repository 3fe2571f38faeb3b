"""The shipped alerts: their expressions as one query each, and when an alert fires by what its query gave."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import yaml

_RECORDED: Final = re.compile(r"(snag:[\w:]+)(\{[^}]*\})?(?:\[(\w+)\])?")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Alert:
    """One alert of a file of rules."""

    name: str
    query: str  #: with the recorded quantities written out
    patience: int  #: seconds that it must hold before the alert fires


@dataclass(frozen=True)
class Firing:
    """A stretch of time during which an alert fired."""

    alert: str
    begin: int  #: date
    end: int  #: date of the last evaluation at which it fired


def read_alerts(path: Path, step: int) -> list[Alert]:
    """Every alert of the file; `step` is the seconds between two evaluations."""
    rules = [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
    recorded: dict[str, str] = {}
    for rule in rules:
        if "record" in rule:
            query = _labelled(written_out(rule["expr"], recorded, step), rule.get("labels", {}))
            name = rule["record"]
            recorded[name] = f"{recorded[name]} or {query}" if name in recorded else query
    return [
        Alert(rule["alert"], written_out(rule["expr"], recorded, step), seconds(rule.get("for", "0s")))
        for rule in rules
        if "alert" in rule
    ]


def written_out(query: str, recorded: Mapping[str, str], step: int) -> str:
    """The query with each recorded quantity replaced by what it is recorded from, evaluated every `step` seconds."""

    def replacement(match: re.Match[str]) -> str:
        name, selector, window = match.groups()
        inner = f"({recorded[name]})"
        for label, value in re.findall(r'(\w+)="([^"]*)"', selector or ""):
            inner = f'({inner} and on ({label}) label_replace(vector(1), "{label}", "{value}", "", ""))'
        return f"{inner}[{window}:{step}s]" if window else inner

    return _RECORDED.sub(replacement, query)


def _labelled(query: str, labels: Mapping[str, str]) -> str:
    for label, value in labels.items():
        query = f'label_replace({query}, "{label}", "{value}", "", "")'
    return query


def seconds(duration: str) -> int:
    """Seconds of a duration as Prometheus writes it: "90s", "5m", "1h"."""
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration))


def firings(alert: Alert, series: Iterable[Mapping[str, Any]], step: int) -> list[Firing]:
    """When the alert fired: wherever its query gave something at every evaluation for as long as its patience."""
    found = []
    for one in series:
        dates = [int(date) for date, _ in one["values"]]
        for _, run in groupby(enumerate(dates), key=lambda pair: pair[1] - step * pair[0]):  # dates without a gap
            stretch = [date for _, date in run]
            if stretch[-1] >= stretch[0] + alert.patience:
                found.append(Firing(alert.name, stretch[0] + alert.patience, stretch[-1]))
    return sorted(found, key=lambda firing: firing.begin)
