"""What a mode says of its synthetic defects: how many, of which shapes and fills, and what of them counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from snag.training.augment.defect_fills import Fill, gain, neighbour, patch, recolour, smear, tone, warp
from snag.training.augment.defect_shapes import Shape, blob, crack, flat, scratch, speckle, stripe
from snag.training.augment.soft_shades import Shade, shade_part, shade_surface

#: What is named twice is drawn twice as often: spots are the commonest of defects ...
_SHAPES: Final[tuple[Shape, ...]] = (blob, blob, scratch, flat, speckle)
#: ... and other tones, foreign structure and bends the commonest of changes.
_FILLS: Final[tuple[Fill, ...]] = (tone, tone, patch, patch, neighbour, gain, warp, warp, smear)
#: Lines as thin as this get tones alone, where a style says so: a strip of good surface one pixel wide nobody sees.
LINES: Final[tuple[Shape, ...]] = (scratch, crack)


@dataclass(frozen=True)
class DefectStyle:
    """How defects are drawn on pictures of one kind."""

    crowd: int  #: times as many in a picture as on a part
    opaque_share: float  #: share of those that let nothing of the good picture through; the others are faint to opaque
    material_share: float  #: share of pictures in which a thing is of another material
    shade_share: float  #: share of defects that are large soft shades
    shade: Shade
    shapes: tuple[Shape, ...]
    fills: tuple[Fill, ...]
    colour_fills: tuple[Fill, ...]  #: further ones in pictures in colour
    line_fills: tuple[Fill, ...]  #: what fills thin lines; none: what fills the others
    hidden_by_variation: bool  #: whether a change counts only if it stands out of what good pictures differ by anyway


#: Parts that are laid and cut out one like the other. Few defects: a network soon knows such parts. The recipe for surfaces,
#: with its cracks and opaque ones, was tried on screws and found fewer of their defects.
PART_DEFECTS: Final = DefectStyle(
    crowd=1,
    opaque_share=0.0,
    material_share=0.0,
    shade_share=0.08,  # one in a dozen: they are large, and with more of them a network learns little else
    shade=shade_part,
    shapes=_SHAPES,
    fills=_FILLS,
    colour_fills=(),
    line_fills=(),
    hidden_by_variation=False,
)
#: Whole pictures of a surface, where nothing has a place of its own. Many: a network that can't learn where what belongs learns
#: from the number of defects that it has seen, and at one a picture it saw too few to tell a scratch from a grinding mark.
#: Half of them opaque: without those nothing is learnt of the faint. Stripes are for what is woven.
SURFACE_DEFECTS: Final = DefectStyle(
    crowd=6,
    opaque_share=0.5,
    material_share=0.0,
    shade_share=0.08,
    shade=shade_surface,
    shapes=(*_SHAPES, crack, stripe),
    fills=_FILLS,
    colour_fills=(recolour,),
    line_fills=(tone, tone, gain),
    hidden_by_variation=True,
)
#: Scenes, where things have their places: in every other picture one of them is of another material, the right shape swapped.
SCENE_DEFECTS: Final = replace(SURFACE_DEFECTS, material_share=0.5)
