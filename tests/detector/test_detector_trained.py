"""A trained detector: light and pose hardly move its score, defects do."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor

from snag.core.artifact import UNJUDGED_SCORE, Artifact, load_artifact
from tests.support.parts import draw_scene, good_bolt, good_picture
from tests.support.trained import SIZE, Trained


@cache
def _scores_of(artifact: Path, name: str) -> Tensor:
    """[12, 2]: the anomaly score, and how much of it the networks alone find."""
    pictures = [CHANGES[name](index) for index in range(300, 312)]
    found = load_artifact(artifact).score(pictures)
    return torch.tensor([[one.anomaly_score, float(one.error_map.amax())] for one in found])


@cache
def _moved(index: int, degrees: float, x: float = 0.0, y: float = 0.0) -> Tensor:
    bolt = good_bolt(index, SIZE)
    return draw_scene(SIZE, [replace(bolt, degrees=bolt.degrees + degrees, x=bolt.x + x, y=bolt.y + y)], noise_seed=index)


CHANGES: dict[str, Callable[[int], Tensor]] = {
    "": lambda index: _moved(index, 0),
    "gain 0.7": lambda index: 0.7 * _moved(index, 0),
    "gain 1.3": lambda index: 1.3 * _moved(index, 0),
    "offset +8": lambda index: _moved(index, 0) + 8,
    "offset -8": lambda index: _moved(index, 0) - 8,
    "gain and offset": lambda index: 1.2 * _moved(index, 0) - 6,
    "90 degrees": lambda index: _moved(index, 0).rot90(1, (1, 2)),
    "180 degrees": lambda index: _moved(index, 0).rot90(2, (1, 2)),
    "17 degrees": lambda index: _moved(index, 17),
    "45 degrees": lambda index: _moved(index, 45),
    "101 degrees": lambda index: _moved(index, 101),
    "197 degrees": lambda index: _moved(index, 197),
    "whole pixels": lambda index: _moved(index, 0, 3, -5),
    "half pixels": lambda index: _moved(index, 0, 3.5, -4.5),
}


#: How far a score may move, in standard deviations of the calibration scores: on average and at most. Pixels that are only
#: elsewhere move it not at all, an offset by what the uneven table makes of it. A part that is elsewhere has the camera's noise
#: at other places of its own, and other pixels on its edges: the memory, which looks closer, is moved by both; the networks are
#: held to BY_NETWORKS.
MOVES = {
    "gain 0.7": (0.01, 0.02),
    "gain 1.3": (0.01, 0.02),
    "offset +8": (0.1, 0.3),
    "offset -8": (0.1, 0.3),
    "gain and offset": (0.1, 0.3),
    "90 degrees": (0.01, 0.02),
    "180 degrees": (0.01, 0.02),
    "17 degrees": (0.5, 1.8),
    "45 degrees": (0.5, 1.8),
    "101 degrees": (0.5, 1.8),
    "197 degrees": (0.5, 1.8),
    "whole pixels": (0.4, 1.0),
    "half pixels": (0.4, 1.8),
}

#: The same of what the networks find, in standard deviations of what they find in good pictures.
BY_NETWORKS = MOVES | {
    "17 degrees": (0.2, 0.8),
    "45 degrees": (0.2, 0.8),
    "101 degrees": (0.2, 0.8),
    "197 degrees": (0.2, 0.8),
    "whole pixels": (0.2, 0.8),
    "half pixels": (0.2, 0.8),
}


@pytest.mark.parametrize("name", MOVES)
def test_light_and_pose_move_the_score_by_a_small_part_of_its_calibrated_spread(bolts: Trained, name: str) -> None:
    scores, moved = (_scores_of(bolts.artifact.path, which) for which in ("", name))
    spreads = torch.tensor([bolts.spread, float(scores[:, 1].std())])

    moves = (moved - scores).abs() / spreads

    for what, found, (mean, most) in zip(("score", "networks"), moves.t(), (MOVES[name], BY_NETWORKS[name]), strict=True):
        print(f"{what}, {name}: mean {float(found.mean()):.4f}, most {float(found.max()):.4f} of the spread")
        assert float(found.mean()) < mean
        assert float(found.max()) < most


def scores(artifact: Artifact, pictures: list[Tensor]) -> list[float]:
    return [found.anomaly_score for found in artifact.score(pictures)]


def test_good_bolts_pass_and_marked_ones_do_not(bolts: Trained) -> None:
    """At most the share of false alarms that may be expected (one in ten; 5 of 20 would be three times in a thousand)."""
    good = scores(bolts.artifact, [good_picture(i, SIZE) for i in range(400, 420)])
    marked = scores(bolts.artifact, [good_picture(i, SIZE, mark=True) for i in range(420, 430)])

    assert sum(score > bolts.calibration.threshold for score in good) < 6
    assert all(score > bolts.calibration.threshold for score in marked)


def test_the_peak_lies_on_the_defect(bolts: Trained) -> None:
    for index in range(420, 424):
        bolt = good_bolt(index, SIZE, mark=True)
        angle = math.radians(bolt.degrees)
        u, v = -0.15 * bolt.length, 0.02 * bolt.length
        found = bolts.artifact.score([good_picture(index, SIZE, mark=True)])[0]

        laid = bolts.artifact.map_in_picture(found, *SIZE)

        y, x = divmod(int(laid.argmax()), SIZE[1])
        place = (bolt.y + math.sin(angle) * u + math.cos(angle) * v, bolt.x + math.cos(angle) * u - math.sin(angle) * v)
        assert math.dist((y + 0.5, x + 0.5), place) < 6


@pytest.mark.parametrize(
    "strange",
    {
        "empty": lambda: draw_scene(SIZE, [], noise_seed=0),
        "two": lambda: draw_scene(SIZE, [good_bolt(1, SIZE, y=80.0, degrees=0), good_bolt(2, SIZE, y=175.0, degrees=9)]),
        "cut off": lambda: draw_scene(SIZE, [good_bolt(1, SIZE, x=215.0, y=128.0, degrees=0.0)]),
        "small": lambda: draw_scene(SIZE, [good_bolt(1, SIZE, length=120.0)]),
        "noise": lambda: 128 + 40 * torch.randn(1, *SIZE, generator=torch.Generator().manual_seed(0)),
        "something else": lambda: draw_scene(SIZE, [good_bolt(1, SIZE, bright=True)]),
        "black": lambda: torch.zeros(1, *SIZE),
    }.items(),
    ids=lambda strange: strange[0],
)
def test_what_is_no_whole_part_scores_above_every_good_one(bolts: Trained, strange: tuple[str, Callable[[], Tensor]]) -> None:
    found = bolts.artifact.score([strange[1]()])[0]

    assert found.reason == "not_aligned"
    assert found.anomaly_score == UNJUDGED_SCORE > bolts.calibration.scores[-1]
