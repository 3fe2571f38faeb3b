"""What the doctor found, by picture: read from the files that `snag doctor` wrote."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from snag.core.file_names import original
from snag.studio import texts
from snag.studio.album import last_change
from snag.studio.products import Product


@dataclass(frozen=True)
class Findings:
    """Advice on the whole set, and what is said of single pictures."""

    advice: tuple[tuple[str, str], ...] = ()  #: urgency (stop, warning, note, good) and text
    of: dict[str, list[str]] = field(default_factory=dict)  #: by the name of a picture
    made: float = 0.0  #: seconds since 1970; 0: the doctor has not looked

    @property
    def urgency(self) -> str:
        """The worst of the advice."""
        return self.advice[0][0] if self.advice else "none"

    def is_stale(self, product: Product) -> bool:
        """Whether pictures have come or gone since."""
        return bool(self.advice) and last_change(product) > self.made


def findings_of(product: Product) -> Findings:
    """What `snag doctor` wrote into the run; nothing where it has not looked, or what it wrote can't be read."""
    path = product.run / "doctor.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        advice = tuple((one["urgency"], one["text"]) for one in found["advice"])
        return Findings(advice, dict(_by_picture(found)), path.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        return Findings()


def _by_picture(found: dict[str, Any]) -> dict[str, list[str]]:
    said: dict[str, list[str]] = defaultdict(list)
    for one in found.get("suspects", ()):
        said[original(one["name"])].append(texts.UNLIKE_THE_OTHERS)
    for group in found.get("near_duplicates", ()):
        for name in group:
            others = [other for other in group if other != name]
            said[original(name)].append(texts.near_duplicate(others))
    for name, trained in found.get("leaks", ()):
        said[original(name)].append(texts.leak(trained))
    for one in found.get("findings", ()):
        if one["kind"] not in ("leak", "duplicate"):  # among the near-duplicates
            said[original(one["path"])].append(one["detail"])
    return said
