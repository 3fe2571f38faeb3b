"""The alert SnagDrift, by its own rule: how many calibrations set it off by their luck alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import yaml

from snag.core.calibration import Group, p_value

_RULES: Final = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"
_RECORD: Final = "snag:p_value_deviation:10m"
_WINDOW: Final = 600  #: pictures in ten minutes, one a second
_HOUR: Final = 6  #: windows
#: What of the rule's expression is counted, by name.
_COUNTED: Final = {
    r'sum by \([\w, ]+\) \(increase\(snag_p_value_bucket\{le="[\d.]+"\}\[10m\]\)\)': "up_to",
    r"snag:p_values:10m": "pictures",
    r"max by \([\w, ]+\) \(snag_calibration_pictures\)": "calibration",
}
_DEVIATION: Final = re.compile(r"\(up_to / pictures - ([\d.]+)\) / sqrt\(([\d.]+) \* \(1 / pictures \+ 1 / calibration\)\)")


@cache
def deviation_rules() -> dict[float, float]:
    """The shares of p-values that the rule looks at, and the variance that it reckons with for one picture.

    Raises ValueError where the rule reckons otherwise than `deviations`.
    """
    groups = yaml.safe_load(_RULES.read_text())["groups"]
    found = {}
    for rule in (rule for group in groups for rule in group["rules"] if rule.get("record") == _RECORD):
        text = " ".join(rule["expr"].split())
        for pattern, name in _COUNTED.items():
            text = re.sub(pattern, name, text)
        read = _DEVIATION.fullmatch(text)
        if read is None or read[1] != rule["labels"]["at"]:
            raise ValueError(f"{_RULES}: {text!r} is counted otherwise than here")
        found[float(read[1])] = float(read[2])
    return found


def alert_level() -> float:
    """How many standard deviations set SnagDrift off."""
    groups = yaml.safe_load(_RULES.read_text())["groups"]
    (expression,) = (rule["expr"] for group in groups for rule in group["rules"] if rule.get("alert") == "SnagDrift")
    return float(re.fullmatch(rf"max by \([\w, ]+\) \(abs\({_RECORD}\)\) > ([\d.]+)", expression)[1])  # type: ignore[index]


def deviations(p_values: np.ndarray, calibration: int) -> np.ndarray:
    """What the rule makes of windows of p-values [..., pictures]: the greatest deviation of each [...]."""
    pictures = p_values.shape[-1]
    found = [
        abs((p_values <= share).sum(-1) / pictures - share) / np.sqrt(variance * (1 / pictures + 1 / calibration))
        for share, variance in deviation_rules().items()
    ]
    return np.max(found, axis=0)


def shares_rows(counts: Sequence[int], calibrations: int, seed: int = 0) -> list[Sequence[object]]:
    """A row for each number of calibration pictures: how many calibrations have the alert within an hour, and in half of it."""
    random, level, found = np.random.default_rng(seed), alert_level(), []
    for count in counts:
        is_off = []
        for _ in range(calibrations):
            known = np.sort(random.random(count))
            group = Group("line", tuple(known.tolist()), None)
            ends = np.concatenate([[-1.0], known])
            by_rank = np.array([p_value(float(end) + 1e-12, group) for end in ends])
            values = by_rank[np.searchsorted(known, random.random((_HOUR, _WINDOW)))]
            is_off.append(deviations(values, count) > level)
        off = np.array(is_off)
        found.append((count, calibrations, f"{100 * off.mean():.2f} %", f"{100 * (off.mean(1) >= 0.5).mean():.2f} %"))
    return found
