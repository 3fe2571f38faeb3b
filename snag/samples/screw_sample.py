"""The embedded sample: photographs of screws, good ones and five kinds of defect, each with its mask."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_fill_holes, label

from snag.samples.kit.noise import stream
from snag.samples.screw import GOOD, draw_part
from snag.samples.screw_defects import DEFECTS
from snag.samples.screw_picture import LAMP, draw_scene, lay, photograph

#: A pixel is changed by a defect when it differs by so many of 255 levels from the same photograph of the sound part.
VISIBLE: Final = 8
#: Each defect changes at least so many pixels of a picture of 320 x 320, one of them by at least so many levels.
LEAST_AREA: Final = 40
LEAST_CONTRAST: Final = 24


@dataclass(frozen=True)
class Drawn:
    """A picture [size, size], its mask (255 where the defect shows, for good parts 0), and the picture of the sound part."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    sound: NDArray[np.uint8]


def draw(folder: str, index: int, seed: int, size: int, lamp: bool = False) -> Drawn:
    """The picture `index` of a folder as 'test/dent': depends on nothing but the arguments, and on no other picture."""
    part_rng, scene_rng, defect_rng = (stream(seed, folder, index, number) for number in range(3))
    # Golden steps spread the exposures of each folder evenly over their range: none is brighter than another by bad luck.
    exposure = (stream(seed, folder).random() + index * 0.6180339887) % 1
    part, scene = draw_part(part_rng), draw_scene(scene_rng, exposure)
    kind = folder.split("/")[-1]
    if lamp and kind != "good":
        scene = replace(scene, gain=scene.gain * LAMP)
    whole = lay(part, GOOD, scene, size, stream(seed, folder, index, 3))
    # The shadow of the sound part throughout: so soft that none sees it, and no mask takes in what lies beside the part.
    sound = photograph(whole, whole.cover, scene, stream(seed, folder, index, 4))
    if kind == "good":
        return Drawn(sound, np.zeros_like(sound), sound)
    while True:  # a scratch in a dark facet may not show: draw another; most show at once
        defective = lay(part, DEFECTS[kind](part, defect_rng), scene, size, stream(seed, folder, index, 3))
        picture = photograph(defective, whole.cover, scene, stream(seed, folder, index, 4))
        change = np.abs(picture.astype(np.int16) - sound)
        mask = mask_of(change)
        if (mask > 0).sum() >= LEAST_AREA * (size / 320) ** 2 and change.max() >= LEAST_CONTRAST:
            return Drawn(picture, mask, sound)


def mask_of(change: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Levels of change [h, w] -> mask 0 or 255: what changed visibly, gaps closed as an annotator would, without specks."""
    seen = np.pad(change >= VISIBLE, 3)
    closed = binary_fill_holes(binary_closing(seen, iterations=2))[3:-3, 3:-3]
    regions, _ = label(closed, structure=np.ones((3, 3)))
    areas = np.bincount(regions.ravel())
    areas[0] = 0
    keep = areas >= min(8, areas.max(initial=1))
    return np.where(keep[regions], 255, 0).astype(np.uint8)
