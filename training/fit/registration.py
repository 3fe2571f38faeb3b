"""Fitting the registration to good pictures: do they show one scene that only moves a little?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from snag.detector.exposure import at_limits
from snag.detector.preparation import normalised
from snag.detector.registration import RIM, Registration, moved, small, unit
from snag.detector.scene import Scene, covered
from snag.training.augment.symmetry import symmetry
from snag.training.fit.refusal import Refusal

#: Of one scene, moved onto each other, good pictures differ from their mean by at most this share of its contrast. A texture is
#: never twice the same, and parts that lie anyhow are nothing like their mean.
LIKE: Final = 0.4
#: How far a scene moves that moves a little: shares of the long side, radians; this share of the good pictures keeps to it.
SHIFT, TURN = 0.1, 0.15
LEAST_SHARE: Final = 0.95
#: This share of them, one at least, may look like another scene: later ones that do are rejected for that.
OTHERS: Final = 0.02
#: Times as far as any of those another picture may have moved, and at least so far: a camera is soon knocked, and a scene is
#: found from there.
FURTHER: Final = 1.5
LEAST_SHIFT, LEAST_TURN = 0.03, 0.09
#: Fewer pictures than this say nothing of a mean.
LEAST: Final = 8
#: Where a scene is not cut off, its contrast may be stretched by so much; more would show only noise.
MOST_STRETCHED: Final = 4.0


@dataclass(frozen=True)
class FittedRegistration:
    """A registration, and how well it fits."""

    registration: Registration
    why: str


def fit_registration(pictures: Sequence[Tensor]) -> FittedRegistration | Refusal:
    """Fit to good pictures [1, H, W], shrunk; refused where they show no one scene."""
    if len(pictures) < LEAST:
        return Refusal(
            f"{len(pictures)} pictures are too few to tell whether they show one scene (at least {LEAST} are needed)"
        )
    if len({tuple(picture.shape) for picture in pictures}) > 1:
        return Refusal("pictures of several shapes show no one scene")
    scenes = torch.stack([small(picture) for picture in pictures])
    if not _inside(scenes).any():
        return Refusal("the pictures are so narrow that nothing is inside of their rim by which a scene could be told")
    usual = Registration(unit(scenes.mean(0, keepdim=True))[0], _inside(scenes), (1.0, 1.0))
    before = _spread(scenes)
    moves = torch.zeros(len(scenes), 3)
    for _ in range(4):
        moves = usual.refine(scenes)
        moves = moves - moves.median(0).values  # the mean must not wander off
        registered = unit(moved(scenes[:, None], moves, *scenes.shape[1:])[:, 0])
        deviation = registered.std(0)
        weight = _inside(scenes) / (deviation.square() + 0.25 * deviation.mean().square() + 1e-6)
        usual = Registration(unit(registered.mean(0, keepdim=True))[0], weight / weight.mean().clamp(min=1e-9), (1.0, 1.0))
    after = _spread(registered)
    if not after <= LIKE:
        return Refusal(
            f"even moved onto each other they differ by {after:.0%} of their contrast (at most {LIKE:.0%} is needed)"
        )
    if (allowed := symmetry(list(scenes[:, None]))).any_turn:  # shown so, each is worth many
        return Refusal(f"good pictures stay good {allowed}")
    shifts, turns = moves[:, :2].abs().amax(1), moves[:, 2].abs()
    little = (shifts <= SHIFT) & (turns <= TURN)
    if (share := float(little.float().mean())) < LEAST_SHARE:
        return Refusal(f"only {share:.0%} of the scenes move by little (at least {LEAST_SHARE:.0%} is needed)")
    usual.most_shift = max(LEAST_SHIFT, FURTHER * float(shifts[little].max()))
    usual.most_turn = max(LEAST_TURN, FURTHER * float(turns[little].max()))
    if (others := int((~usual.place(scenes)[1]).sum())) > max(1, int(OTHERS * len(scenes))):  # there are several kinds, say
        return Refusal(f"{others} of {len(scenes)} pictures look little like the mean scene (at most {OTHERS:.0%} may)")
    why = f"one scene: the pictures differ by {before:.0%} of their contrast, moved onto each other by {after:.0%}"
    return FittedRegistration(usual, why)


@torch.no_grad()
def fit_appearance(module: Scene, pictures: Iterable[Tensor]) -> None:
    """Set what `module` takes a scene to look like: the mean of good pictures [C, H, W], prepared without knowing that."""
    shape = [module.channels, module.height, module.width]
    total, weight = torch.full(shape, 1e-3 * module.centre), torch.full(shape[1:], 1e-3)  # what no picture shows is middle grey
    black, white = torch.zeros(shape), torch.zeros(shape)
    darkness, count = 0.0, 0
    for picture in pictures:
        values, _, pose, reason = module.placed(picture)
        if reason == "":
            seen, (low, high) = covered(pose, module.height, module.width), at_limits(values)
            exposure = values, module.centre, module.spread, module.least_deviation
            total, weight = total + seen * normalised(values, *exposure), weight + seen
            black, white = black + seen * low, white + seen * high
            darkness += float(normalised(torch.zeros(1), *exposure))
            count += 1
    look, not_black, not_white = total / weight, 1.0 - black / weight, 1.0 - white / weight
    look, dark = _stretched(look, torch.tensor(darkness / max(1, count)), not_black * not_white)
    module.know(look, float(dark), not_black, not_white)


def _stretched(look: Tensor, darkness: Tensor, tells: Tensor) -> tuple[Tensor, Tensor]:
    """With the mean and the deviation that all of `look` has where it is not cut off, as `tells` says, [c, h, w] in 0..1.

    A white table around a dark part would else leave the part little contrast.
    """
    usual, mean = look.mean(), (tells * look).sum() / tells.sum().clamp(min=1.0)
    deviation = ((tells * (look - mean).square()).sum() / tells.sum().clamp(min=1.0)).sqrt()
    whole = look.std(correction=0)
    gain = whole.clamp(min=1e-6) / torch.maximum(deviation, whole / MOST_STRETCHED).clamp(min=1e-6)
    return usual + (look - mean) * gain, usual + (darkness - mean) * gain


def _inside(scenes: Tensor) -> Tensor:
    """[h, w]: 1, but 0 on the rim."""
    height, width = scenes.shape[1:]
    rim = max(1, round(RIM * max(height, width)))
    inside = torch.zeros(height, width)
    inside[rim : height - rim, rim : width - rim] = 1.0
    return inside


def _spread(scenes: Tensor) -> float:
    """Root mean square distance from the mean of [N, h, w], but for the rim."""
    inside = _inside(scenes)
    return float(((scenes - scenes.mean(0)).square().mean(0) * inside).sum().div(inside.sum()).sqrt())
