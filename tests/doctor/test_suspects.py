"""Suspects: good pictures that do not look like the other good ones."""

import pytest
import torch

from snag.doctor.suspects import LIMIT, oddities


class TestSuspects:
    def pictures(self, count=60, odd=0):
        """Random mixtures of five patterns with a little noise; the first `odd` have a spot of their own."""
        random = torch.Generator().manual_seed(1)
        patterns = torch.rand(5, 1, 24, 40, generator=random)
        weights = torch.rand(count, 5, generator=random)
        pictures = torch.einsum("np,pchw->nchw", weights, patterns) + 0.02 * torch.randn(count, 1, 24, 40, generator=random)
        for index in range(odd):
            pictures[index, :, 10:13, 20 + index : 23 + index] += 0.3
        return pictures

    def test_a_spot_is_found_with_its_place(self):
        """Pictures with a spot that the patterns don't explain are the oddest, and the spot is the place."""
        found = oddities(self.pictures(odd=3))

        ranked = sorted(range(60), key=lambda i: -found[i].score)
        assert set(ranked[:3]) == {0, 1, 2}
        assert all(found[i].is_suspect for i in range(3))
        assert [abs(found[i].place[0] - 11) <= 1 and abs(found[i].place[1] - (21 + i)) <= 1 for i in range(3)] == [True] * 3

    def test_usual_pictures_are_not_suspected(self):
        """Of pictures that are all alike hardly one is."""
        assert sum(one.is_suspect for one in oddities(self.pictures(200))) <= 2

    def test_exposure_of_the_scale_does_not_matter(self):
        """Scores are relative: twice the contrast, the same suspects."""
        first, second = oddities(self.pictures(odd=2)), oddities(2 * self.pictures(odd=2))

        assert [one.score for one in first] == pytest.approx([one.score for one in second], abs=1e-2)

    @pytest.mark.parametrize("count", [1, 9])
    def test_too_few(self, count):
        """Of a handful nothing can be said."""
        assert all(one.score == 0 for one in oddities(self.pictures(count)))

    def test_equal_pictures(self):
        """Pictures without any difference have no odd one."""
        assert all(one.score <= LIMIT for one in oddities(torch.full((20, 1, 16, 16), 0.5)))
