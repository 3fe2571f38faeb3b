"""The light on a scene whose usual look is known: its strength may change smoothly across the picture. Scriptable."""

# No `from __future__ import annotations` here: TorchScript can't read a buffer's type from a string.

from typing import Final

import torch
from torch import Tensor, nn

from snag.detector.geometry import block_means

#: Of the polynomial that the light's strength is: it follows what changes over about a third of the picture.
DEGREE: Final = 6
#: How much a term is held back, times its degree squared, as a share of what the picture says: steep light is rare.
RIDGE: Final = 3e-3
#: Side of the squares, pixels, whose means the light is fitted to.
SQUARE: Final = 8
ROUNDS: Final = 14
#: How much a square that says nothing holds the light to being flat there, as a share of what one that says something does:
#: steep light is soon followed, but does not run wild where nobody sees it.
FLAT: Final = 0.03
#: What differs by less than about this share of the brightness does not stand out.
EVEN: Final = 0.02


def legendre(count: int, degree: int) -> Tensor:
    """Legendre's polynomials up to `degree` at the middles of `count` equal parts of -1..1: [degree + 1, count], float64."""
    places = (torch.arange(count, dtype=torch.float64) + 0.5) * (2.0 / count) - 1.0
    rows = [torch.ones_like(places), places]
    for k in range(1, degree):
        rows.append(((2.0 * k + 1.0) * places * rows[k] - float(k) * rows[k - 1]) / (k + 1.0))
    return torch.stack(rows)


class FlatField(nn.Module):
    """Finds the light under which a picture shows a scene, and takes it out. Float64, but for what it is given and returns.

    What depends on the size alone is made once, for equal bytes: see the head of this package.
    """

    terms: Tensor  #: [28, h/8, w/8]: the polynomial's terms
    held: Tensor  #: [29]: how much each is held back, and the offset, not at all
    uneven: Tensor  #: [29, 1]: 1 for each that is not the same everywhere, and 0 for the offset
    places: Tensor  #: [28, 49]: 1 where each term's place is among the products of Legendre's polynomials down and right
    down: Tensor  #: [h, 7]: those at every pixel
    right: Tensor  #: [7, w]

    def __init__(self, height: int, width: int) -> None:
        """For pictures of this size, multiples of 8."""
        super().__init__()
        degrees = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
        held = [RIDGE * (i + j) ** 2 for i, j in degrees]
        self.register_buffer("held", torch.tensor([*held, 0.0], dtype=torch.float64))
        self.register_buffer("uneven", (torch.tensor([*held, 0.0], dtype=torch.float64) > 0.0).double()[:, None])
        down, right = legendre(height // SQUARE, DEGREE), legendre(width // SQUARE, DEGREE)
        self.register_buffer("terms", torch.stack([down[i][:, None] * right[j][None, :] for i, j in degrees]))
        at = torch.tensor([i * (DEGREE + 1) + j for i, j in degrees])
        self.register_buffer("places", torch.eye((DEGREE + 1) ** 2, dtype=torch.float64)[at])
        self.register_buffer("down", legendre(height, DEGREE).t().contiguous())
        self.register_buffer("right", legendre(width, DEGREE))
        self.rounds, self.square, self.even, self.flat = ROUNDS, SQUARE, EVEN, FLAT

    def forward(self, values: Tensor, reflectance: Tensor, brighter: Tensor, darker: Tensor) -> tuple[Tensor, Tensor]:
        """The light under which `values` [c, h, w] show `reflectance` [c, h, w]: its strength [h, w], and an offset.

        The strength is a polynomial across the picture, the same for all channels. `brighter` and `darker` [c, h, w], 0..1, are
        how much each value says where it is brighter than the fit, and darker: what was cut off says one of them at most.
        Robust by iterated reweighting, as `exposure.fit_background`: a missing component is no shadow.
        Equivariant: a gain or an offset on the values does the same to the fit.
        """
        both = torch.minimum(brighter, darker)
        exact, here, lit = self._squares(values, reflectance, both)
        says_one, there, lit_there = self._squares(values, reflectance, (brighter - darker).abs())
        least = block_means(brighter - both, self.square).double().reshape(-1)
        most = block_means(darker - both, self.square).double().reshape(-1)
        one = says_one > 0.0  # most often none, and rows take time
        rows = torch.cat([lit, lit_there[:, one]], 1)
        rows = torch.cat([rows, torch.ones_like(rows[:1])])  # the offset is the last of the unknowns
        wanted, says = torch.cat([here, there[one]]), torch.cat([exact, torch.zeros_like(there[one])])
        above, below = torch.cat([exact, least[one]]), torch.cat([exact, most[one]])
        weight, found, judged = says, wanted[:1], says >= 0.5 * says.max()
        blank = 1.0 - exact.reshape(values.shape[0], self.terms.shape[1], self.terms.shape[2]).amax(0)
        unseen = (blank.sqrt() * self.terms).reshape(self.terms.shape[0], -1)
        unseen = torch.cat([unseen, torch.zeros_like(unseen[:1])]) * self.uneven
        flat = self.flat * unseen @ unseen.t()
        for turn in range(self.rounds):
            weighted = rows * weight
            normal = weighted @ rows.t()
            # First as good as flat, until it is known what stands out: a hole in a corner is no light that fails there.
            ridge = max(1.0, 1e6 * 0.05**turn) * self.held * normal.diagonal().mean()
            held = torch.diag(ridge + 1e-9) + flat * normal[0, 0] / weight.sum().clamp(min=1e-6)
            found = torch.linalg.solve(normal + held, weighted @ wanted)
            residual = wanted - found @ rows
            # Of a plain scene nearly all fits to a hair: that makes uneven light in a corner nothing that stands out.
            brightness = (found[0] * rows[0]).abs() @ says / says.sum().clamp(min=1e-6)
            spread = 1.4826 * residual.abs()[judged].median() + self.even * brightness + 1e-6
            weight = torch.where(residual > 0.0, above, below) / (1.0 + (residual / (2.0 * spread)).pow(4))
        products = (found[:-1] @ self.places).reshape(self.right.shape[0], self.right.shape[0])
        return (self.down @ products @ self.right).to(torch.float32), found[-1].to(torch.float32)

    def _squares(self, values: Tensor, reflectance: Tensor, says: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of each square: how much it says [n], the mean of its values [n], and what each term would add to that [28, n]."""
        share = block_means(says, self.square).double()
        here = block_means(says * values, self.square).double() / share.clamp(min=1e-6)
        there = block_means(says * reflectance, self.square).double() / share.clamp(min=1e-6)
        lit = (there[:, None] * self.terms).transpose(0, 1).reshape(self.terms.shape[0], -1)
        return share.reshape(-1), here.reshape(-1), lit
