"""How the calibration pictures were taken: the usual exposure and sharpness, to tell when lamp or lens have changed since."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from snag.core.errors import BadArtifact
from snag.core.files import write_text

REFERENCE_FILE: Final = "reference.json"
#: A picture is outside when it lies further beyond the middle nine tenths than this share of their width. A calibration has few
#: pictures, so that the next good one lies beyond the outermost now and then; of a bell-shaped spread 1.4 % lie this far out.
_WIDENED: Final = 0.25
#: And at least by this share of the median: cameras whose pictures are all alike waver by a little.
_LEAST: Final = 0.05


@dataclass(frozen=True)
class Spread:
    """Quantiles of one property of the calibration pictures."""

    low: float  #: 5 %
    middle: float  #: 50 %
    high: float  #: 95 %

    @property
    def limits(self) -> tuple[float, float]:
        """Least and greatest value that is not outside."""
        margin = max(_WIDENED * (self.high - self.low), _LEAST * abs(self.middle))
        return self.low - margin, self.high + margin

    def is_outside(self, value: float) -> bool:
        """Whether a picture with this value is unlike the calibration pictures."""
        low, high = self.limits
        return not low <= value <= high

    def relative(self, value: float) -> float:
        """`value` as a multiple of the median: 1 is as usual, also where the median is 0."""
        return value / self.middle if self.middle else 1.0 + value


@dataclass(frozen=True)
class CaptureReference:
    """How the calibration pictures were taken."""

    exposure: Spread  #: of the mean brightness as sent, 0 to 1
    sharpness: Spread  #: see `snag.core.imaging.sharpness`
    data_digest: str  #: of the calibration pictures, as in calibration.json
    model_created: str  #: ISO 8601, UTC: when the model was written
    #: Every picture's value, sorted ascending: by whose threshold judges it (POOLED: all pictures), then by property.
    values: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)


#: Every property that is watched, with the label by which it is counted.
PROPERTIES: Final = ("exposure", "sharpness")


def spread_of(values: Sequence[float]) -> Spread:
    """Quantiles of at least one value."""
    cuts = quantiles(values, n=20, method="inclusive") if len(values) > 1 else list(values) * 19
    return Spread(cuts[0], cuts[9], cuts[-1])


def write_reference(reference: CaptureReference, path: Path) -> None:
    """Write the file atomically."""
    write_text(path, json.dumps(asdict(reference), indent=1, allow_nan=False) + "\n")


def read_reference(path: Path) -> CaptureReference:
    """Read and check the file. Raises BadArtifact."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        spreads = {name: _spread(table[name]) for name in PROPERTIES}
        values = {group: _values(one) for group, one in table.get("values", {}).items()}
        reference = CaptureReference(
            **spreads, data_digest=str(table["data_digest"]), model_created=str(table["model_created"]), values=values
        )
        datetime.fromisoformat(reference.model_created)
    except FileNotFoundError as error:
        raise BadArtifact(
            path=path, detail="there is no record of how the calibration pictures were taken; run `make calibrate archive`"
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        detail = f"no record of how the calibration pictures were taken ({error}); run `make calibrate archive`"
        raise BadArtifact(path=path, detail=detail) from error
    return reference


def _values(table: Any) -> dict[str, tuple[float, ...]]:
    values = {name: tuple(map(float, table[name])) for name in PROPERTIES}
    if not all(list(some) == sorted(some) and all(map(math.isfinite, some)) for some in values.values()):
        raise ValueError("values that are not sorted")
    return values


def _spread(table: Any) -> Spread:
    spread = Spread(**{one.name: float(table[one.name]) for one in fields(Spread)})
    if not spread.low <= spread.middle <= spread.high or not math.isfinite(spread.high - spread.low):
        raise ValueError(f"{table} are no quantiles")
    return spread
