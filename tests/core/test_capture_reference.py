"""What the calibration pictures looked like: the file, and which pictures lie outside of it."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from snag.core.bundle import load_bundle
from snag.core.capture_reference import CaptureReference, Spread, read_reference, spread_of, write_reference
from snag.core.errors import BadArtifact, UnreadablePictures
from snag.core.gauges import bundle_gauges
from snag.core.imaging import brightness, sharpness
from snag.core.picture import decode
from snag.core.telemetry import GAUGES
from snag.training.calibration.capture_reference import write_capture_reference
from tests.support.fakes import tiny_artifact, tiny_calibration

REFERENCE = CaptureReference(Spread(0.4, 0.5, 0.6), Spread(0.1 + 0.2, 0.5, 0.7), "d" * 64, "2026-01-01T00:00:00+00:00")
numbers = st.floats(0, 1e3, allow_subnormal=False)


class TestSpread:
    def test_quantiles(self):
        """Of 0 to 100 these are 5, 50 and 95; of one value it three times."""
        assert spread_of([float(value) for value in range(101)]) == Spread(5.0, 50.0, 95.0)
        assert spread_of([7.0]) == Spread(7.0, 7.0, 7.0)

    def test_limits(self):
        """A quarter of the width is allowed beyond the middle nine tenths, at the least a twentieth of the median."""
        assert Spread(5.0, 50.0, 95.0).limits == (5 - 22.5, 95 + 22.5)
        assert Spread(50.0, 50.0, 50.0).limits == (47.5, 52.5)

    @given(st.lists(numbers, min_size=1, max_size=60), numbers)
    def test_inside(self, values, value):
        """What lies among the middle nine tenths is never outside, what lies beyond the limits always."""
        spread = spread_of(values)
        low, high = spread.limits

        assert not spread.is_outside(min(max(value, spread.low), spread.high))
        assert spread.is_outside(high + 1e-3 + abs(high) * 1e-9)
        assert spread.is_outside(low - 1e-3 - abs(low) * 1e-9)

    def test_few_good_pictures_are_outside(self):
        """With 40 calibration pictures of a bell-shaped spread, some 1 in 30 of the next good ones lies outside."""
        random = np.random.default_rng(0)
        outside = []
        for _ in range(300):
            spread = spread_of(random.normal(10, 1, 40))
            outside += [spread.is_outside(value) for value in random.normal(10, 1, 40)]

        assert 0.01 < np.mean(outside) < 0.05

    def test_relative(self):
        """As a multiple of the median; where that is 0, 1 is still as usual."""
        assert Spread(1.0, 2.0, 3.0).relative(3.0) == 1.5
        assert Spread(0.0, 0.0, 0.0).relative(0.0) == 1.0
        assert Spread(0.0, 0.0, 0.0).relative(0.5) == 1.5


class TestFile:
    def test_round_trip(self, tmp_path):
        """What is written is read back, to the last digit."""
        write_reference(REFERENCE, tmp_path / "reference.json")

        assert read_reference(tmp_path / "reference.json") == REFERENCE

    def test_missing(self, tmp_path):
        with pytest.raises(BadArtifact, match=r"no record of how the .* were taken; run `make calibrate archive`"):
            read_reference(tmp_path / "reference.json")

    @pytest.mark.parametrize(
        "change",
        [
            {"values": {"pooled": {"exposure": [2.0, 1.0], "sharpness": [1.0]}}},
            {"values": {"pooled": {"exposure": [1.0]}}},
            {"values": [1.0]},
            {"exposure": None},
            {"exposure": {"low": 2, "middle": 1, "high": 3}},
            {"sharpness": {"low": 0, "middle": 1}},
            {"sharpness": {"low": 0, "middle": 1, "high": float("inf")}},
            {"model_created": "yesterday"},
        ],
    )
    def test_nonsense(self, tmp_path, change):
        """A file that can't be what was written is refused in one sentence."""
        write_reference(REFERENCE, tmp_path / "reference.json")
        table = json.loads((tmp_path / "reference.json").read_text())
        (tmp_path / "reference.json").write_text(json.dumps({**table, **change}))

        with pytest.raises(BadArtifact, match="no record of how the calibration pictures were taken"):
            read_reference(tmp_path / "reference.json")


class TestMaking:
    def test_looks_of_the_calibration_pictures(self, tmp_path):
        """Brightness and sharpness of the pictures that were named, and the date of the model's file."""
        (tmp_path / "snag.pt").touch()
        os.utime(tmp_path / "snag.pt", (1767225600, 1767225600))
        paths = [tmp_path / f"{level}.png" for level in (60, 100, 150)]
        for path in paths:
            checks = np.indices((64, 64)).sum(0) // 8 % 2 * 40 + int(path.stem)
            Image.fromarray(checks.astype(np.uint8)).save(path)
        pictures = [decode(path.read_bytes()) for path in paths]

        write_capture_reference(paths, "d" * 64, tmp_path, [None, "left", "left"])

        seen = [(brightness(picture), sharpness(picture)) for picture in pictures]
        assert read_reference(tmp_path / "reference.json") == CaptureReference(
            spread_of([brightness(picture) for picture in pictures]),
            spread_of([sharpness(picture) for picture in pictures]),
            "d" * 64,
            "2026-01-01T00:00:00+00:00",
            {
                group: {
                    "exposure": tuple(sorted(bright for bright, _ in some)),
                    "sharpness": tuple(sorted(sharp for _, sharp in some)),
                }
                for group, some in (("pooled", seen), ("left", seen[1:]))
            },
        )

    def test_unreadable(self, tmp_path):
        (tmp_path / "snag.pt").touch()
        (tmp_path / "part.png").write_bytes(b"no picture")

        with pytest.raises(UnreadablePictures, match=r"part\.png"):
            write_capture_reference([tmp_path / "part.png"], "d" * 64, tmp_path)


class TestBundle:
    @pytest.fixture
    def folder(self, tmp_path):
        tiny_calibration(tmp_path, tiny_artifact(tmp_path))
        return tmp_path

    def test_looks_of_other_pictures(self, folder):
        """A record that was made from other pictures than the calibration is refused."""
        reference = read_reference(folder / "reference.json")
        write_reference(replace(reference, data_digest="f" * 64), folder / "reference.json")

        with pytest.raises(BadArtifact, match="made from other pictures than the calibration; run `make calibrate`"):
            load_bundle(folder)

    def test_gauges(self, folder):
        """Every gauge of the table is given; the shares are those of the calibration scores."""
        bundle = load_bundle(folder)

        samples = bundle_gauges(bundle, score_scale=0.02)

        assert {sample.name for sample in samples} == set(GAUGES)
        shares = {sample.labels[0]: sample.value for sample in samples if sample.name == "snag_calibration_share"}
        assert (shares["0.5"], shares["1.0"], shares["1.25"], shares["+Inf"]) == (0.25, 0.5, 0.625, 1.0)
        limits = {sample.labels: sample.value for sample in samples if sample.name == "snag_reference_limit"}
        assert limits["exposure", "low"] == pytest.approx(0.35)
        assert limits["exposure", "high"] == pytest.approx(0.65)
        assert limits["sharpness", "high"] == 1.0 + 0.5 + 0.125

    def test_sharpness_is_relative_to_the_usual(self, folder):
        """Limits of sharpness are in the unit of snag_sharpness: multiples of the calibration pictures' median."""
        bundle = replace(load_bundle(folder), reference=REFERENCE)

        limits = {sample.labels: sample.value for sample in bundle_gauges(bundle, 1.0) if "sharpness" in sample.labels}

        assert limits == {("sharpness", "low"): pytest.approx(0.4), ("sharpness", "high"): pytest.approx(1.6)}
