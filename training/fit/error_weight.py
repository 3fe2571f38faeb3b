"""How much the networks' error counts beside the memory: as far as they tell synthetic defects from good pictures.

They learnt on defects of that kind, so what they miss of them says that they have not learnt to find anything: the pair of
the preset quick has hardly begun, and of some products a quarter of the steps teaches little. Then their worst places are
noise, and where a part is missing they may find less than where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from snag.detector.detector import Detector
from snag.detector.memory_bank import fitted
from snag.detector.scoring import standardised

#: Defects are drawn so often on each good picture, and on so many pictures at most.
TIMES: Final = 4
ENOUGH: Final = 24


@torch.no_grad()
def error_weight(detector: Detector, prepared: Sequence[Tensor], draw: Callable[[Tensor], tuple[Tensor, Tensor]]) -> float:
    """From 0, where defects look no worse than good pictures' worst places, to 1, where each looks worse than any of these.

    `prepared`: good pictures [c, H, W] that the networks never saw; `draw`: their view of some [N, c, h, w] -> the same with
    defects, and where these are [N, h, w]. It is twice the area under the ROC curve less one: what is right more often than by
    chance. 1 where no defect could be drawn.
    """
    good, found = [], []
    for part in prepared[:: -(-len(prepared) // ENOUGH)]:
        view = detector.view(part[None].float())
        good.append(_error_map(detector, view).amax())
        shown, masks = draw(view.expand(TIMES, -1, -1, -1))
        errors = _error_map(detector, shown)
        found += [error[mask > 0].amax() for error, mask in zip(errors, masks, strict=True) if mask.any()]
    return more_than_chance(torch.stack(good), torch.stack(found)) if found else 1.0


def _error_map(detector: Detector, view: Tensor) -> Tensor:
    """[N, c, h, w] -> [N, h, w], standardised."""
    raw = detector.raw_maps(view).raw
    return standardised(raw, fitted(detector.mean, raw), fitted(detector.deviation, raw))


def more_than_chance(good: Tensor, found: Tensor) -> float:
    """Twice the area under the ROC curve of values [M] and [N], less one, and at least 0."""
    above, equal = (found[:, None] > good).double().mean(), (found[:, None] == good).double().mean()
    return max(0.0, float(2 * above + equal - 1))
