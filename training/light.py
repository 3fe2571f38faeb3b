"""The light on a scene whose usual look is known: its strength may change smoothly across the picture. Scriptable functions."""

from __future__ import annotations

import torch
from torch import Tensor

from training.exposure import background_of, grid_terms
from training.strips import block_means


def fit_light(values: Tensor, reflectance: Tensor, seen: Tensor, rounds: int = 12) -> tuple[Tensor, Tensor]:
    """The light under which `values` [c, h, w] show `reflectance` [c, h, w]: coefficients [10] of its strength, and an offset.

    The strength is a polynomial of third order across the picture, the same for all channels; `seen` [h, w], 0..1, is how
    much each place says, and sides are multiples of 8. Robust by iterated reweighting, as `exposure.fit_background`: a missing
    component is no shadow. Equivariant: a gain or an offset on the values does the same to the fit.
    """
    here, there, share = block_means(values, 8), block_means(reflectance, 8), block_means(seen[None], 8)
    terms = grid_terms(here.shape[1], here.shape[2])
    lit = (there.reshape(there.shape[0], 1, -1) * terms).transpose(0, 1).reshape(10, -1)
    rows = torch.cat([lit, torch.ones_like(lit[:1])]).to(torch.float64)
    wanted, says = here.reshape(-1).to(torch.float64), share.expand_as(here).reshape(-1).to(torch.float64)
    weight, found = says, torch.zeros(11, dtype=torch.float64)
    for turn in range(rounds):
        weighted = rows * weight
        normal = weighted @ rows.t()
        # Where the scene is too plain to tell, no slope, nor before it is known what stands out; never pulled at is the offset.
        ridge = 1e-6 * normal.diagonal().mean() * torch.ones(11, dtype=torch.float64)
        if turn == 0:
            ridge[1:10] *= 1e6
        ridge[10] = 0.0
        found = torch.linalg.solve(normal + torch.diag(ridge + 1e-12), weighted @ wanted)
        residual = (wanted - found @ rows).abs()
        spread = 1.4826 * residual.median() + 1e-6
        weight = says / (1.0 + (residual / (2.0 * spread)).pow(4))
    found = found.to(torch.float32)
    return found[:10], found[10]


def unlit(values: Tensor, coefficients: Tensor, offset: Tensor, least: float) -> Tensor:
    """The reflectance that `values` [c, h, w] show under a light; `least`: what its strength is taken to be at least."""
    return (values - offset) / background_of(coefficients, values.shape[1], values.shape[2]).clamp(min=least)
