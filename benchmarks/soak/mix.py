"""The traffic of a long run: what a line sends, and what goes wrong around it."""

from __future__ import annotations

from itertools import cycle, islice
from random import Random
from typing import Final

import numpy as np

from benchmarks.fuzz.generate import KINDS, inputs
from benchmarks.outcome import Expected, PreparedRequest
from benchmarks.prepared import BYTES, FORMATS, Judge, explained, in_format, in_json, png

#: Share of each kind of request.
SHARES: Final[dict[str, float]] = {
    "raw bytes in JSON": 0.2,
    "PNG in JSON": 0.2,
    "PNG as body": 0.3,
    "with heat map": 0.1,
    "explained": 0.1,
    "broken": 0.05,
    "rubbish": 0.05,
}
_LARGEST_RUBBISH: Final = 2_000_000  #: bytes; larger ones are the fuzzing's business


def mixed(judge: Judge, pictures: list[np.ndarray], count: int, seed: int = 0) -> list[PreparedRequest]:
    """`count` requests in the shares above, shuffled; pictures are grey uint8 [H, W]."""
    random = Random(seed)
    kinds = {
        **{form: in_format(form, judge, pictures) for form in FORMATS},
        "with heat map": [in_json("with heat map", judge, png(grey), heatmap=True) for grey in pictures],
        "explained": [explained("explained", judge, png(grey)) for grey in pictures],
        "broken": [_broken(judge, png(grey), random) for grey in pictures],
        "rubbish": _rubbish(judge.model, seed),
    }
    # Bare bytes are left out where no picture has their shape.
    chosen = [one for name, share in SHARES.items() for one in islice(cycle(kinds[name]), round(share * count))]
    random.shuffle(chosen)
    return chosen


def _broken(judge: Judge, picture: bytes, random: Random) -> PreparedRequest:
    cut = picture[: random.randrange(len(picture) // 2, len(picture) * 3 // 4)]
    answers = (Expected(400, code="broken_picture"),)
    return PreparedRequest("broken", f"/predictions/{judge.model}", cut, {"Content-Type": BYTES}, answers)


def _rubbish(model: str, seed: int) -> list[PreparedRequest]:
    return [request for request in islice(inputs(model, seed), len(KINDS)) if len(request.body) < _LARGEST_RUBBISH]
