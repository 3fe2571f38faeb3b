"""The summary of a finished scoring: counts, how the scores are distributed, and which pictures stand out; in one pass."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from snag.core.telemetry import DISTRIBUTIONS

#: Upper bounds of the bars, in units of the threshold; those of the server's own metric, so that both can be laid side by side.
EDGES: Final = DISTRIBUTIONS["snag_score_ratio"]


@dataclass(frozen=True)
class Standout:
    """A picture to look at."""

    name: str
    score: float
    p_value: float
    reason: str | None


@dataclass(frozen=True)
class ScoringSummary:
    """What was found."""

    pictures: int
    judged: int
    anomalies: int
    refused: dict[str, int]  #: by the error's code
    reasons: dict[str, int]  #: anomalies that were not judged by their surface, by reason
    bars: list[int]  #: judged pictures by score / threshold, one for each of EDGES and one beyond; those with a reason left out
    most_anomalous: list[Standout]  #: by score, highest first
    with_reason: list[Standout]  #: the first in the order of the names

    @property
    def share(self) -> float:
        """Anomalies among the judged."""
        return self.anomalies / self.judged if self.judged else 0.0


def summarise(
    judged: Iterable[Mapping[str, Any]], refused: Iterable[Mapping[str, Any]], threshold: float, worst: int
) -> ScoringSummary:
    """Count the rows of the two tables, keeping the `worst` pictures of either kind."""
    codes = Counter(row["code"] for row in refused)
    reasons: Counter[str] = Counter()
    bars = [0] * (len(EDGES) + 1)
    highest: list[tuple[float, int, Standout]] = []
    first: list[Standout] = []
    number = anomalies = 0
    for number, row in enumerate(judged, 1):
        anomalies += row["anomaly"]
        found = Standout(row["name"], row["score"], row["p_value"], row["reason"])
        if found.reason is not None:
            reasons[found.reason] += 1
            first += [found] if len(first) < worst else []
            continue
        # A threshold of 0 or less, set by hand, gives no ratio: then all above it lies beyond the last edge.
        ratio = found.score / threshold if threshold > 0 else (float("inf") if found.score > threshold else 0.0)
        bars[bisect_left(EDGES, ratio)] += 1
        _keep(highest, (found.score, -number, found), worst)
    ranked = [found for _, _, found in sorted(highest, reverse=True)]
    total = number + sum(codes.values())
    return ScoringSummary(total, number, anomalies, dict(codes), dict(reasons), bars, ranked, first)


def _keep(heap: list[tuple[float, int, Standout]], item: tuple[float, int, Standout], most: int) -> None:
    if len(heap) < most:
        heapq.heappush(heap, item)
    elif heap and item[:2] > heap[0][:2]:
        heapq.heapreplace(heap, item)


def summary_json(summary: ScoringSummary, origin: Mapping[str, Any]) -> dict[str, Any]:
    """For machines: everything above, and what the scores were made from."""
    return {**asdict(summary), "share": summary.share, "edges": list(EDGES), "origin": dict(origin)}
