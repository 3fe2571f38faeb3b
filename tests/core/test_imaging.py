"""How a picture was taken: brightness and sharpness, which move with lamp and lens and with nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from snag.core.imaging import brightness, sharpness
from snag.samples.screw_sample import draw

RANDOM = np.random.default_rng(0)
PART = draw("test/good", 3, 0, 320).picture.astype(np.float64)


def tensor(pixels):
    """[H, W] or [H, W, 3] of any numbers -> [C, H, W] as a camera sends it."""
    levels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return torch.from_numpy(levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1).copy())


def defocused(pixels, sigma):
    """Blurred by the lens, then read by the sensor with the noise that every picture has."""
    return gaussian_filter(pixels, sigma) + RANDOM.normal(0, 1, pixels.shape)


class TestBrightness:
    @given(st.integers(0, 255), st.sampled_from([1, 3]))
    def test_of_one_grey(self, grey, channels):
        """A picture of one grey has that grey's share of full scale."""
        assert brightness(torch.full((channels, 9, 7), grey, dtype=torch.uint8)) == pytest.approx(grey / 255)

    def test_of_a_part(self):
        """Looking at a sixteenth of the pixels finds the mean within a two-hundredth."""
        assert brightness(tensor(PART)) == pytest.approx(PART.mean() / 255, abs=0.005)

    def test_depth(self):
        """Deep grey pictures are on the same scale."""
        assert brightness(torch.full((1, 20, 20), 63.75)) == 0.25


class TestSharpness:
    def test_a_step_is_as_sharp_as_can_be(self):
        """An edge from one pixel to the next gains the whole contrast; one over ten pixels a fifth of it."""
        step = np.repeat([50.0, 200.0], 50)
        ramp = np.concatenate([np.full(45, 50.0), np.linspace(50, 200, 11), np.full(44, 200.0)])

        assert sharpness(tensor(np.tile(step, (100, 1)))) == 1.0
        assert sharpness(tensor(np.tile(ramp, (100, 1)))) == pytest.approx(0.2)

    @pytest.mark.parametrize(("gain", "offset"), [(0.8, 0), (0.6, 10), (1.05, -5)])
    def test_the_lamp_does_not_move_it(self, gain, offset):
        assert sharpness(tensor(gain * PART + offset)) == pytest.approx(sharpness(tensor(PART)), rel=0.03)

    def test_noise_does_not_move_it_much(self):
        noisy = PART + RANDOM.normal(0, 3, PART.shape)

        assert sharpness(tensor(noisy)) == pytest.approx(sharpness(tensor(PART)), rel=0.1)

    def test_defocus_lowers_it(self):
        """The more, the lower; at 1.5 pixels it has lost a third."""
        values = [sharpness(tensor(defocused(PART, sigma))) for sigma in (0.01, 0.7, 1.0, 1.5, 2.0, 3.0)]

        assert values == sorted(values, reverse=True)
        assert values[3] < 0.67 * values[0]

    @pytest.mark.parametrize("axis", [0, 1])
    def test_motion_blur_lowers_it(self, axis):
        """Also when edges are smeared in one direction alone."""
        text = np.kron(RANDOM.integers(0, 2, (40, 40)), np.full((8, 8), 120.0)) + 60

        assert sharpness(tensor(gaussian_filter1d(text, 4, axis=axis))) <= sharpness(tensor(text))
        assert sharpness(tensor(gaussian_filter(text, 4))) < 0.5 * sharpness(tensor(text))

    def test_colour(self):
        """A colour picture of a grey part is as sharp as the grey one."""
        assert sharpness(tensor(np.repeat(PART[..., None], 3, 2))) == pytest.approx(sharpness(tensor(PART)))

    @pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 2), (3, 1, 5), (1, 3, 3), (1, 1, 20000), (3, 700, 2), (1, 50, 50)])
    def test_nothing_to_see(self, shape):
        """A picture without edges has no sharpness, whatever its size."""
        assert sharpness(torch.full(shape, 130, dtype=torch.uint8)) == 0.0

    @given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 2**32))
    def test_it_is_a_share(self, height, width, seed):
        """Whatever the picture, it is a finite number not below 0."""
        random = torch.Generator().manual_seed(seed)
        picture = torch.randint(0, 256, (1, height, width), dtype=torch.uint8, generator=random)

        assert 0 <= sharpness(picture) < 256
