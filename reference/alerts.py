"""alerts.md: every alert with its severity, its words and its rule, from deploy/prometheus/alerts.yml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from reference.markdown import code, page, prose, table

_FILE: Final = Path(__file__).parents[1] / "deploy" / "prometheus" / "alerts.yml"
_LEAD: Final = (
    "The rules are those of `deploy/prometheus/alerts.yml`; "
    "[When an alert fires](../how-to/when-an-alert-fires.md) says of each what to do.\n"
    "`critical`: parts pass that should not, or none do, come now; `warning`: today; `info`: this month.\n"
    "What begins with `snag:` is recorded by the rules in the same file."
)


def alerts() -> str:
    """The page."""
    rules = list(alert_rules())
    rows = [
        [f"[{code(rule['alert'])}](#{rule['alert'].lower()})", code(rule["labels"]["severity"]), rule.get("for", "")]
        for rule in rules
    ]
    return page("Alerts", _LEAD, table(["alert", "severity", "must hold for"], rows), *map(_section, rules))


def alert_rules() -> Iterator[dict[str, Any]]:
    """The rules that raise an alert, in the order of the file."""
    for group in yaml.safe_load(_FILE.read_text(encoding="utf-8"))["groups"]:
        yield from (rule for rule in group["rules"] if "alert" in rule)


def _section(rule: dict[str, Any]) -> str:
    expression = str(rule["expr"]).strip()
    return f"## {rule['alert']}\n\n{prose(rule['annotations']['description'])}\n\n```promql\n{expression}\n```"
