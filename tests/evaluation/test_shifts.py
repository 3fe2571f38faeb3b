"""Shifts of the line, and the table of how a model stands under them."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snag.core.artifact import load_artifact, save_artifact
from snag.evaluation.intervals import auroc_interval
from snag.evaluation.labelled import labelled_pictures
from snag.evaluation.promise import promise_of
from snag.evaluation.shift_plots import shift_plot
from snag.evaluation.shift_table import chosen_pictures, score_shifts, shift_table, shifts_json
from snag.evaluation.shifts import SHIFTS, shifted
from tests.support.fakes import TinyDetector, tiny_artifact, tiny_calibration

EVERY = [(name, amount) for name, shift in SHIFTS.items() for amount in shift.amounts]


def picture(channels=1, height=60, width=90):
    """Smooth grey values, none near the ends of the scale."""
    coarse = torch.rand(1, channels, 5, 5, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(coarse, [height, width], mode="bilinear", align_corners=True)[0]
    return (100 + 60 * smooth).to(torch.uint8)


class TestShifts:
    @pytest.mark.parametrize(("name", "amount"), EVERY)
    @pytest.mark.parametrize("channels", [1, 3])
    def test_every_shift_changes_the_picture_and_keeps_its_kind(self, name, amount, channels):
        """Size and type stay, the picture does not; the same seed gives the same picture."""
        before = picture(channels)
        kept = before.clone()

        after = shifted(before, SHIFTS[name], amount, seed=3)

        assert (after.shape, after.dtype) == (before.shape, before.dtype)
        assert not torch.equal(after, before)
        assert torch.equal(after, shifted(before, SHIFTS[name], amount, seed=3))
        assert torch.equal(before, kept)

    @pytest.mark.parametrize("name", SHIFTS)
    def test_the_neutral_amount_changes_nothing(self, name):
        assert torch.equal(shifted(picture(), SHIFTS[name], SHIFTS[name].neutral), picture())
        assert list(SHIFTS[name].amounts) == sorted(set(SHIFTS[name].amounts) - {SHIFTS[name].neutral})

    @given(st.sampled_from(EVERY), st.sampled_from([(1, 1), (1, 9), (9, 2), (33, 17)]), st.integers(0, 255))
    def test_nothing_leaves_the_scale_whatever_the_size(self, which, size, grey):
        """Black, white and pictures of a single pixel included; deep pictures keep their fractions."""
        name, amount = which
        flat = torch.full((1, *size), grey, dtype=torch.uint8)
        deep = flat.float()

        assert shifted(flat, SHIFTS[name], amount).shape == flat.shape
        changed = shifted(deep, SHIFTS[name], amount)
        assert changed.dtype == torch.float32
        assert float(changed.min()) >= 0
        assert float(changed.max()) <= 255

    def test_light(self):
        """Gain multiplies, an offset adds, gamma bends, a ramp runs from left to right about the same mean."""
        flat = torch.full((1, 3, 101), 100.0)

        def middle(name, amount):
            return shifted(flat, SHIFTS[name], amount)[0, 1]

        assert middle("gain", 1.2).unique().tolist() == pytest.approx([120])
        assert middle("offset", -20).unique().tolist() == [80]
        assert middle("gamma", 0.8).unique().tolist() == pytest.approx([255 * (100 / 255) ** 0.8])
        assert middle("ramp", 0.3)[[0, 50, 100]].tolist() == pytest.approx([85, 100, 115])
        assert float(middle("noise", 8).std()) == pytest.approx(8, rel=0.25)

    def test_blur_is_scipys(self):
        """Gaussian with repeated edges, cut at three standard deviations."""
        from scipy.ndimage import gaussian_filter

        before = picture().float()

        after = shifted(before, SHIFTS["blur"], 2)

        assert after[0].numpy() == pytest.approx(gaussian_filter(before[0].numpy(), 2, mode="nearest", truncate=3), abs=1e-3)

    def test_place(self):
        """A spot goes right and down by pixels, clockwise around the middle, away from it when nearer."""
        spot = torch.zeros(1, 101, 101)
        spot[0, 50, 70] = 255

        def found(name, amount):
            y, x = divmod(int(shifted(spot, SHIFTS[name], amount).argmax()), 101)
            return y - 50, x - 50

        assert found("move", 8) == (8, 28)
        assert found("zoom", 1.1) == (0, 22)
        assert found("turn", 10) == (3, 20)
        assert found("turn", -10) == (-3, 20)


@pytest.fixture
def data(tmp_path):
    """4 good pictures, mid-grey, and 3 + 1 defective ones with a bright cell."""
    for kind, count in (("good", 4), ("scratch", 3), ("dent", 1)):
        for index in range(count):
            pixels = np.full((32, 32), 128 + 4 * index, np.uint8)
            if kind != "good":
                pixels[8:12, 8:12] = 220
            (tmp_path / "data/test" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / f"data/test/{kind}/{index}.png")
    (tmp_path / "data/test/good/broken.png").write_bytes(b"nothing")
    return tmp_path / "data"


class WithExposure(TinyDetector):
    """Takes out the mean brightness, and can be asked not to."""

    @torch.jit.export
    def prepare_like(self, picture: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, str]:
        """See snag.detector.detector."""
        prepared, pose, reason = self.prepare(picture)
        return prepared - self.prepare(other)[0].mean() + 0.5, pose, reason

    @torch.jit.export
    def score_prepared(self, prepared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Peaks of the squared error, and nothing."""
        return (prepared - 0.5).square().flatten(1).amax(1), prepared


@pytest.fixture
def artifact(tmp_path):
    save_artifact(torch.jit.script(WithExposure().eval()), {"score_unit": "squared grey value"}, tmp_path / "snag.pt")
    return load_artifact(tmp_path / "snag.pt")


class TestTable:
    def test_by_hand(self, data, artifact, tmp_path):
        """Of four good parts, 128 to 140 levels, a gain of 1.3 lifts one over the threshold: (1.3 · 140 / 255 - 0.5)² = 0.0457.

        By the exposure of the picture before, each becomes (0.3 · level / 255)², 0.0271 at most.
        """
        calibration = tiny_calibration(tmp_path, artifact)

        table = shift_table(score_shifts(artifact, labelled_pictures(data)), calibration)

        gains = {row.amount: row for row in table.of("gain")}
        assert (table.good, table.bad) == (4, 4)
        assert (table.as_taken.false_alarms, table.as_taken.detections, table.as_taken.auroc.value) == (0, 4, 1.0)
        assert (gains[1.3].on.fpr, gains[1.3].on.tpr) == (0.25, 1.0)
        assert gains[1.3].on.is_refuted is False
        assert gains[1.3].on.auroc.interval == auroc_interval(gains[1.3].on.auroc.value, 4, 4)
        assert gains[1.3].off.fpr == 0.0

    def test_rows(self, data, artifact, tmp_path):
        """There is a row for each amount; what moves the part has no second column."""
        table = shift_table(score_shifts(artifact, labelled_pictures(data)), tiny_calibration(tmp_path, artifact))

        assert [(row.name, row.amount) for row in table.rows] == EVERY
        assert all((row.off is not None) == SHIFTS[row.name].is_light for row in table.rows)

    def test_refuted(self, data, artifact, tmp_path):
        """False alarms that the told rate does not explain are marked, 4 of 4 at 4.9 %; by hand nothing is told."""
        calibration = dataclasses.replace(tiny_calibration(tmp_path, artifact), threshold=-1.0)

        table = shift_table(score_shifts(artifact, labelled_pictures(data)), calibration)

        assert table.as_taken.false_alarms == 4
        assert table.as_taken.is_refuted is True
        by_hand = dataclasses.replace(calibration, method="manual")
        assert shift_table(score_shifts(artifact, labelled_pictures(data)), by_hand).as_taken.is_refuted is None

    def test_older_models(self, data, tmp_path):
        """A model that can't be asked to leave exposure in has no second column."""
        artifact = tiny_artifact(tmp_path)

        table = shift_table(score_shifts(artifact, labelled_pictures(data)), tiny_calibration(tmp_path, artifact))

        assert all(row.off is None for row in table.rows)

    def test_without_a_class(self, data, artifact, tmp_path):
        """Without defective pictures there are false alarms and no more."""
        good = [picture for picture in labelled_pictures(data) if not picture.is_bad]

        table = shift_table(score_shifts(artifact, good), tiny_calibration(tmp_path, artifact))

        assert (table.as_taken.fpr, table.as_taken.tpr, table.as_taken.auroc.value) == (0.0, None, None)
        assert "<svg" in shift_plot(table, promise_of(tiny_calibration(tmp_path, artifact)))

    def test_json(self, data, artifact, tmp_path):
        """metrics.json has every shift by its key, with intervals."""
        table = shift_table(score_shifts(artifact, labelled_pictures(data)), tiny_calibration(tmp_path, artifact))

        document = json.loads(json.dumps(shifts_json(table), allow_nan=False))

        assert set(document) == {"good", "bad", "as_taken", *SHIFTS}
        assert [row["amount"] for row in document["gamma"]] == list(SHIFTS["gamma"].amounts)
        assert set(document["as_taken"]) == {"image_auroc", "fpr", "tpr", "promise_refuted", "ci"}
        assert document["as_taken"]["ci"]["tpr"] == [pytest.approx(0.398, abs=1e-3), 1.0]

    def test_plot(self, data, artifact, tmp_path):
        """One panel for each shift, in the page's own colours alone."""
        table = shift_table(score_shifts(artifact, labelled_pictures(data)), tiny_calibration(tmp_path, artifact))

        svg = shift_plot(table, promise_of(tiny_calibration(tmp_path, artifact)))

        assert all(shift.title in svg for shift in SHIFTS.values())
        assert "#" not in svg.replace('href="#', "").replace("url(#", "")

    @pytest.mark.parametrize(("most", "good", "bad"), [(0, 5, 4), (2, 2, 2), (3, 3, 3), (9, 5, 4)])
    def test_chosen_pictures(self, data, most, good, bad):
        """A bounded number of each, spread over the kinds of defect."""
        chosen = chosen_pictures(labelled_pictures(data), most)

        assert [sum(picture.is_bad == is_bad for picture in chosen) for is_bad in (False, True)] == [good, bad]
        assert len({picture.kind for picture in chosen if picture.is_bad}) == 2
        assert len(set(chosen)) == len(chosen)
