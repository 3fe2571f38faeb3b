"""Sample size: which false-alarm rates so many different good parts carry."""

import pytest

from snag.core.calibration import conformal_threshold, rank_of_threshold
from snag.core.errors import TooFewCalibrationPictures
from snag.doctor.sample_size import RATES, lowest_rate, sample_size
from snag.training.data.split import calibration_pictures


class TestSupply:
    @pytest.mark.parametrize("rate", RATES)
    def test_is_what_calibration_needs(self, rate):
        """So many pictures carry the rate, one less does not."""
        need = sample_size(rate, 60)

        assert rank_of_threshold(need.on_average, rate) <= need.on_average
        with pytest.raises(TooFewCalibrationPictures) as caught:
            conformal_threshold([0.0] * (need.on_average - 1), rate)
        assert caught.value.details["needed"] == need.on_average
        assert calibration_pictures(need.good) >= need.on_average > calibration_pictures(need.good - 1)
        assert need.with_confidence > need.on_average

    def test_lowest_rate(self):
        """Of 60 or 100 good parts 19 calibrate, which carries 1 in 20; of 160 39 do."""
        assert lowest_rate(100) == lowest_rate(60) == pytest.approx(1 / 20)
        assert lowest_rate(160) == pytest.approx(1 / 40)

    def test_what_is_told_and_what_would_be_more(self):
        """59 of 200 keep 5 % as asked, 1.7 % of 2 %: for that it takes 99; 1 % they can't keep."""
        need = {rate: sample_size(rate, 200) for rate in RATES}

        assert [need[rate].told for rate in (0.05, 0.02, 0.01)] == [3 / 60, 1 / 60, None]
        assert [need[rate].better for rate in (0.05, 0.02, 0.01)] == [197, 330, 330]
