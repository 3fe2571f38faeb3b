"""How much the networks' error counts beside the memory: as far as they find as many synthetic defects as it does.

Networks learnt on defects of that kind and the memory did not, so where they find fewer, they have not learnt to find much: the
pair of the preset quick has hardly begun, and of some products a quarter of the steps teaches little. Then their worst places
are noise, and where a part is missing they may find less than where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from snag.detector.detector import Detector

#: Defects are drawn so often on each good picture, and on so many pictures at most: more only cost time.
TIMES: Final = 3
ENOUGH: Final = 24
#: Found is what looks worse than the worst places of all good pictures but this share.
FALSE_ALARMS: Final = 0.05

#: Views of good pictures [n, c, h, w] to the same with defects, and where these are [n, h, w], 0 or 1.
DrawDefects = Callable[[Tensor], tuple[Tensor, Tensor]]


@torch.no_grad()
def error_weight(detector: Detector, prepared: Sequence[Tensor], draw: DrawDefects) -> float:
    """From 0, where the networks find nothing, to 1, where they find as many defects as the memory, or more.

    `prepared`: good pictures [c, H, W] that neither of them learnt from. 1 where the memory finds nothing, or nothing is drawn.
    """
    good, found = [], []
    for part in prepared[:: -(-len(prepared) // ENOUGH)]:
        part = part[None].float()
        good.append(_worst(detector, part, None))
        view = detector.view(part).expand(TIMES, -1, -1, -1)
        shown, masks = draw(view)
        # Each of the networks' pixels changes all of the memory's that it is the mean of.
        changes = (shown - view).repeat_interleave(detector.finer, 2).repeat_interleave(detector.finer, 3)
        found += [_worst(detector, part + change, mask > 0) for change, mask in zip(changes, masks, strict=True) if mask.any()]
    if not found:
        return 1.0
    by_networks, by_memory = share_found(torch.stack(good), torch.stack(found)).tolist()
    return min(1.0, by_networks / by_memory) if by_memory else 1.0


def share_found(good: Tensor, found: Tensor) -> Tensor:
    """The shares [k] of defects, [N, k], that look worse than good pictures, [M, k], but for FALSE_ALARMS of these."""
    return (found > good.quantile(1 - FALSE_ALARMS, 0)).float().mean(0)


def _worst(detector: Detector, part: Tensor, where: Tensor | None) -> Tensor:
    """[2]: what networks and memory find at the worst place of a prepared picture [1, c, H, W], of all or of some places."""
    scored = detector.score_prepared(part)
    maps = torch.cat([scored.error_map, scored.memory_map]).flatten(1)
    return (maps if where is None else maps[:, where.flatten()]).amax(1)
