"""The light on a scene whose usual look is known: its strength may change smoothly across the picture. Scriptable functions."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from training.strips import block_means

#: Of the polynomial that the light's strength is: it follows what changes over about a third of the picture.
DEGREE: Final = 6
#: Terms beyond this degree are rare: held back, by this times their degree squared as a share of what the picture says.
FREE: Final = 3
RIDGE: Final = 1e-4


def legendre(count: int, degree: int) -> Tensor:
    """Legendre's polynomials up to `degree` at the middles of `count` equal parts of -1..1: [degree + 1, count], float64."""
    places = (torch.arange(count, dtype=torch.float64) + 0.5) * (2.0 / count) - 1.0
    rows = [torch.ones_like(places), places]
    for k in range(1, degree):
        rows.append(((2.0 * k + 1.0) * places * rows[k] - float(k) * rows[k - 1]) / (k + 1.0))
    return torch.stack(rows)


def fit_light(
    values: Tensor,
    reflectance: Tensor,
    seen: Tensor,
    degree: int = DEGREE,
    free: int = FREE,
    held: float = RIDGE,
    rounds: int = 12,
) -> tuple[Tensor, Tensor]:
    """The light under which `values` [c, h, w] show `reflectance` [c, h, w]: its strength, [d + 1, d + 1], and an offset.

    The strength is a polynomial of degree d across the picture, the same for all channels, by Legendre's down and right;
    `seen` [h, w], 0..1, is how much each place says, and sides are multiples of 8. Robust by iterated reweighting, as
    `exposure.fit_background`: a missing component is no shadow. Equivariant: a gain or an offset on the values does the same
    to the fit.
    """
    here, there, share = block_means(values, 8), block_means(reflectance, 8), block_means(seen[None], 8)
    down, right = legendre(here.shape[1], degree), legendre(here.shape[2], degree)
    terms: list[Tensor] = []
    holds: list[float] = []
    for i in range(degree + 1):
        for j in range(degree + 1 - i):
            terms.append(down[i][:, None] * right[j][None, :])
            holds.append(0.0 if i + j == 0 else (1e-6 if i + j <= free else held * float((i + j) ** 2)))
    holds.append(0.0)  # the offset is the last of the unknowns
    lit = (there.to(torch.float64)[:, None] * torch.stack(terms)).transpose(0, 1).reshape(len(terms), -1)
    rows, hold = torch.cat([lit, torch.ones_like(lit[:1])]), torch.tensor(holds, dtype=torch.float64)
    wanted, says = here.reshape(-1).to(torch.float64), share.expand_as(here).reshape(-1).to(torch.float64)
    weight, found = says, torch.zeros_like(hold)
    for turn in range(rounds):
        weighted = rows * weight
        normal = weighted @ rows.t()
        # Flat before it is known what stands out.
        ridge = (1e6 if turn == 0 else 1.0) * hold * normal.diagonal().mean()
        found = torch.linalg.solve(normal + torch.diag(ridge + 1e-9), weighted @ wanted)
        residual = (wanted - found @ rows).abs()
        spread = 1.4826 * residual.median() + 1e-6
        weight = says / (1.0 + (residual / (2.0 * spread)).pow(4))
    strength = torch.zeros(degree + 1, degree + 1, dtype=torch.float64)
    at = 0
    for i in range(degree + 1):
        strength[i, : degree + 1 - i] = found[at : at + degree + 1 - i]
        at += degree + 1 - i
    return strength, found[-1]


def light_of(strength: Tensor, height: int, width: int) -> Tensor:
    """The polynomial `strength` at the pixels of a picture: [height, width]."""
    degree = strength.shape[0] - 1
    return (legendre(height, degree).t() @ strength @ legendre(width, degree)).to(torch.float32)


def unlit(values: Tensor, strength: Tensor, offset: Tensor, least: float) -> Tensor:
    """The reflectance that `values` [c, h, w] show under a light; `least`: what its strength is taken to be at least."""
    return (values - offset.to(torch.float32)) / light_of(strength, values.shape[1], values.shape[2]).clamp(min=least)
