"""metrics.md: every metric of the scrape, from the worker's table, handler/metrics.yaml and the gate's registry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from reference.markdown import capital, code, codes, page, prose, table
from snag.core.telemetry import COMMON_LABELS, COUNTER, DISTRIBUTIONS, declared
from snag.gate.gate import Gate
from snag.gate.metrics import GateMetrics
from snag.gate.settings import GateSettings
from snag.line.line_metrics import LineMetrics
from snag.line.status import LineStatus

_FILE: Final = Path(__file__).parents[1] / "handler" / "metrics.yaml"
_LEAD: Final = "The scrape is at `/metrics` of the metrics port, in Prometheus' text format."
_WORKERS: Final = (
    "## Of the workers\n\nWhat was judged.\nEvery series has the labels "
    f"{codes(COMMON_LABELS)}.\nA distribution is a counter `..._bucket` with the label `le`, `..._sum` and `..._count`, "
    "so `histogram_quantile` works on it."
)
_GATE: Final = (
    "## Of the gate\n\nWhat clients saw, refusals included.\n`model_name` is `unknown` where no such model is served.\n"
    "Status 499 says that the client had hung up."
)
_LINE: Final = "## Of the line\n\nOf `snag line`, at `/metrics` of its own port, where its file has a table `[metrics]`."
_TORCHSERVE: Final = "## Of TorchServe\n\nUnder its own names and labels."


def metrics() -> str:
    """The page."""
    columns = ["metric", "type", "labels", "meaning"]
    return page(
        "Metrics",
        _LEAD,
        _WORKERS,
        table(columns, _of_workers()),
        _GATE,
        table(columns, _of_gate()),
        _LINE,
        table(columns, _of_line()),
        _TORCHSERVE,
        table(["metric", "type", "unit", "labels"], _of_torchserve()),
    )


def meanings(text: str) -> dict[str, str]:
    """The comment above each name of metrics.yaml."""
    found = re.findall(r"^((?: *# .*\n)+) *- name: (\S+)$", text, re.M)
    return {name: " ".join(line.strip().removeprefix("# ") for line in comment.splitlines()) for comment, name in found}


def _of_workers() -> Iterator[list[str]]:
    said = meanings(_FILE.read_text(encoding="utf-8"))
    for (kind, name), labels in declared().items():
        base = re.sub(r"_(bucket|sum|count)$", "", name) if kind == COUNTER else name
        if base in DISTRIBUTIONS and not name.endswith("_bucket"):
            continue
        shown = "distribution" if base in DISTRIBUTIONS else kind
        yield [code(base), shown, codes(labels[len(COMMON_LABELS) :]), prose(capital(said[name]))]


def _of_gate() -> Iterator[list[str]]:
    nowhere = ("127.0.0.1", 0)
    gate = Gate(GateSettings(nowhere, nowhere, nowhere, tokens=None, log_file=Path("requests.log")))  # it is never opened
    return _of_registry(gate.metrics)


def _of_line() -> Iterator[list[str]]:
    return _of_registry(LineMetrics(LineStatus(), dict))


def _of_registry(metrics: GateMetrics | LineMetrics) -> Iterator[list[str]]:
    own = {metric.name: one for one in vars(metrics).values() if hasattr(one, "_labelnames") for metric in one.collect()}
    for metric in metrics.registry.collect():
        # prometheus_client shows labels in samples alone, of which there are none yet; this attribute has them as well.
        seen = tuple(name for sample in metric.samples[:1] for name in sample.labels)
        labels: tuple[str, ...] = getattr(own.get(metric.name, metric), "_labelnames", seen)
        name = f"{metric.name}_total" if metric.type == COUNTER else metric.name
        yield [code(name), metric.type, codes(labels), prose(capital(metric.documentation))]


def _of_torchserve() -> Iterator[list[str]]:
    tables: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    for kinds in (tables["ts_metrics"], tables["model_metrics"]):
        for kind, entries in kinds.items():
            for entry in entries:
                if not entry["name"].startswith("snag_"):
                    yield [code(entry["name"]), kind, entry["unit"], codes(entry["dimensions"])]
