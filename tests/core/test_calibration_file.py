"""The calibration's file: read as it was written, and refused when it is damaged."""

import json
import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.calibration import read_calibration, write_calibration
from snag.core.errors import BadArtifact, DiskFull
from snag.core.group import REST, Group
from snag.core.guarantee import AVERAGE, CONFIDENCE
from snag.core.threshold_comparison import ThresholdComparison
from snag.training.calibration.guarantee import guarantee, guarantee_of_chosen
from tests.support.calibrations import calibrated

#: What the greatest of three scores promises at a rate of 0.25.
PROMISED = asdict(guarantee(3, 3, 0.25, AVERAGE, 0.95))


#: Keys that files of earlier versions lack.
LATER = {"map_level", "map_peaks", "guarantee", "groups", "rest", "left_out", "comparisons", "unchecked"}


class TestFile:
    @given(
        scores=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30),
        threshold=st.floats(allow_nan=False, allow_infinity=False),
    )
    def test_round_trip(self, scores, threshold, tmp_path_factory):
        """What is written is read, to the last bit."""
        path = tmp_path_factory.mktemp("calibration") / "calibration.json"
        alone = Group("Kamera 2", tuple(sorted(scores)), threshold, guarantee(len(scores), 1, 0.5, CONFIDENCE, 0.9))
        calibration = replace(
            calibrated(scores, 0.5, threshold),
            score_unit="Größe",
            map_level=0.25,
            map_peaks=(0.5,),
            guarantee=guarantee_of_chosen(scores, threshold, 0.95),
            left_out=("train/good/Größe 1.png",),
            groups=(alone, replace(alone, name="camera 3", threshold=None, guarantee=None)),
            rest=replace(alone, name=REST),
            unchecked="nobody was there",
            comparisons=(ThresholdComparison("youden", threshold, 9, 1, 0.25, 4, 2, 0.125, 0.75),),
        )

        write_calibration(calibration, path)

        assert calibration == read_calibration(path)

    def test_text(self, tmp_path):
        """The file is JSON, one key a line, and begins with the count."""
        write_calibration(calibrated([1.0, 2.0, 3.0], 0.25), tmp_path / "calibration.json")

        text = (tmp_path / "calibration.json").read_text()
        assert text.startswith('{\n "count": 3,\n "scores": [')
        assert {"count": 3, **json.loads(json.dumps(asdict(calibrated([1.0, 2.0, 3.0], 0.25))))} == json.loads(text)

    def test_promise_in_words(self, tmp_path):
        """What is promised stands in the file as a sentence; it is made anew from the numbers when the file is read."""
        calibration = replace(calibrated([1.0, 2.0, 3.0], 0.25), guarantee=guarantee(3, 3, 0.25, AVERAGE, 0.95))
        path = tmp_path / "calibration.json"
        write_calibration(calibration, path)

        assert json.loads(path.read_text())["promise"] == (
            "Of 1,000 good parts, on average at most 250 are rejected; with 95 % confidence at most 632."
        )
        path.write_text(path.read_text().replace("at most 250", "at most 1"))
        assert calibration == read_calibration(path)

    @pytest.mark.parametrize("method", ["manual", "labelled", "youden", "cost"])
    def test_rate_of_a_threshold_that_keeps_none(self, tmp_path, method):
        """Earlier versions wrote the rate of the settings there, which such a threshold was never made for: there is none."""
        path = tmp_path / "calibration.json"
        write_calibration(replace(calibrated([1.0, 2.0, 3.0], 0.25, 2.0), method=method, rate=0.25), path)

        found = read_calibration(path)

        assert (found.rate, found.method) == (None, method)
        assert found.compared_with(None).is_promised is False
        with pytest.raises(ValueError, match=f"a {method} threshold has no rank"):
            _ = found.rank

    @pytest.mark.parametrize("key", sorted(LATER))
    def test_files_of_earlier_versions(self, tmp_path, key):
        """What later versions write as well may be missing."""
        path = tmp_path / "calibration.json"
        write_calibration(calibrated([1.0, 2.0, 3.0], 0.25), path)
        fields = json.loads(path.read_text())
        del fields[key]
        path.write_text(json.dumps(fields))

        assert calibrated([1.0, 2.0, 3.0], 0.25) == read_calibration(path)

    def test_missing(self, tmp_path):
        """A missing file says which command makes it."""
        with pytest.raises(BadArtifact) as caught:
            read_calibration(tmp_path / "calibration.json")

        assert f"{tmp_path / 'calibration.json'}: there is no calibration; run `make calibrate`" == str(caught.value)

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"null", b"3", b'"text"', b"\xff\xfe", b"{}", b"[" * 100_000],
        ids=["empty", "half", "list", "null", "number", "text", "no text", "object", "deep"],
    )
    def test_other_files(self, tmp_path, content):
        """Any other file is refused as such."""
        (tmp_path / "calibration.json").write_bytes(content)

        with pytest.raises(BadArtifact, match="not a calibration file"):
            read_calibration(tmp_path / "calibration.json")

    def test_folder(self, tmp_path):
        """So is a folder."""
        with pytest.raises(BadArtifact, match="not a calibration file"):
            read_calibration(tmp_path)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"count": 4}, "not sorted or not complete"),
            ({"scores": [2.0, 1.0, 3.0]}, "not sorted or not complete"),
            ({"scores": [], "count": 0}, "not sorted or not complete"),
            ({"scores": [1.0, math.nan, 3.0]}, "'nan' is no finite number"),
            ({"scores": [1.0, "2.0", 3.0]}, "'2.0' is no finite number"),
            ({"scores": [1.0, True, 3.0]}, "'True' is no finite number"),
            ({"threshold": math.inf}, "'inf' is no finite number"),
            ({"threshold": None}, "'None' is no finite number"),
            ({"threshold": 2.0}, "not the one that its scores and rate give"),
            ({"rate": 0.5}, "not the one that its scores and rate give"),
            ({"rate": 0.05}, "not the one that its scores and rate give"),
            ({"rate": 1}, "its rate is 1.0"),
            ({"method": "guess"}, "its method 'guess'"),
            ({"artifact": 5}, "its texts are no texts"),
            ({"created": "yesterday"}, "Invalid isoformat string: 'yesterday'"),
            ({"created": 5}, "fromisoformat: argument must be str"),
            ({"map_level": "high"}, "'high' is no finite number"),
            ({"map_peaks": ["high"]}, "'high' is no finite number"),
            ({"map_peaks": [2.0, 1.0]}, "peaks are not sorted"),
            ({"map_peaks": [1.0, 2.0, 3.0, 4.0]}, "peaks are not sorted or more than its scores"),
            ({"groups": [{"name": "a", "scores": [1.0], "threshold": 2.0}]}, "not the one that its scores and rate give"),
            ({"groups": [{"name": "a", "scores": [], "threshold": None}]}, "not sorted or not complete"),
            ({"groups": [{"name": 3, "scores": [1.0], "threshold": None}]}, "its texts are no texts"),
            ({"groups": [{"scores": [1.0], "threshold": None}]}, "not a calibration file .*name"),
            ({"rest": {"name": "rest", "scores": [1.0], "threshold": 2.0}}, "not the one that its scores and rate give"),
            ({"rest": {"name": "rest", "scores": [2.0, 1.0], "threshold": None}}, "not sorted or not complete"),
            ({"unchecked": 5}, "its texts are no texts"),
            ({"rate": None}, "'None' is no finite number"),
            ({"guarantee": {**PROMISED, "rate": 2.0}}, "rates that are none"),
            ({"guarantee": {**PROMISED, "left_out": 1, "if_good": PROMISED}}, "its guarantee is of other pictures"),
            ({"guarantee": {**PROMISED, "kind": "measured", "rank": None, "above": 4, "low": 0.1}}, "measures a share"),
            ({"guarantee": {**PROMISED, "rank": 2}}, "not the one that its scores and rate give"),
            ({"guarantee": {**PROMISED, "kind": "confidence", "rank": 2}}, "not the one that its scores and rate give"),
            ({"guarantee": {**PROMISED, "count": 4}}, "its guarantee is of other pictures"),
            ({"guarantee": {**PROMISED, "kind": "word of honour"}}, "its guarantee is of other pictures"),
            ({"guarantee": {**PROMISED, "bound": 1.5}}, "rates that are none"),
            ({"guarantee": {**PROMISED, "confidence": math.nan}}, "rates that are none"),
            ({"guarantee": {**PROMISED, "outlook": [[6, 2.0]]}}, "rates that are none"),
            ({"comparisons": [{"method": "guess"}]}, "not a calibration file .*argument"),
            ({"threshold": 10**400}, "int too large to convert to float"),
            ({"colour": "red"}, "unexpected keyword argument 'colour'"),
        ],
    )
    def test_damaged(self, tmp_path, change, problem):
        """A file that was changed by hand or damaged is refused, with what is wrong with it."""
        path = tmp_path / "calibration.json"
        write_calibration(calibrated([1.0, 2.0, 3.0], 0.25), path)
        path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

        with pytest.raises(BadArtifact, match=problem):
            read_calibration(path)

    @pytest.mark.parametrize("key", sorted({"count", *asdict(calibrated([1.0], 0.5))} - LATER))
    def test_incomplete(self, tmp_path, key):
        """Each key is needed."""
        path = tmp_path / "calibration.json"
        write_calibration(calibrated([1.0, 2.0, 3.0], 0.25), path)
        fields = json.loads(path.read_text())
        del fields[key]
        path.write_text(json.dumps(fields))

        with pytest.raises(BadArtifact, match=f"not a calibration file .*{key}"):
            read_calibration(path)

    def test_unwritable(self, tmp_path):
        """Where the file can't be written, the error says so."""
        (tmp_path / "taken").write_text("")

        with pytest.raises(DiskFull, match="can't write"):
            write_calibration(calibrated([1.0], 0.5), tmp_path / "taken" / "calibration.json")
