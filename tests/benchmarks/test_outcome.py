"""Ends of requests, and the figures made of them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.outcome import (
    BenchmarkReply,
    Expected,
    RequestOutcome,
    TimedAnswer,
    error_code,
    outcome_of,
    quantile,
    summary,
    timeline,
)

JSON = "application/json"


def verdict(score=1.5, version="1.0"):
    return BenchmarkReply(200, JSON, json.dumps({"Anomaly": False, "score": score, "version": version}).encode())


def problem(status, code="overloaded"):
    return BenchmarkReply(status, JSON, json.dumps({"error": {"code": code, "message": "a sentence"}}).encode())


TORCHSERVE = BenchmarkReply(503, JSON, b'{"code": 503, "type": "InternalServerException", "message": "Prediction failed"}')
PNG = BenchmarkReply(200, "image/png", b"\x89PNG")


class TestOutcomeOf:
    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (verdict(), Expected()),
            (verdict(), Expected(score=1.5, version="1.0")),
            (verdict(1.5 + 1e-6), Expected(score=1.5, tolerance=1e-5)),
            (problem(400, "bad_base64"), Expected(400, code="bad_base64")),
            (problem(413), Expected(413)),
            (problem(503, "unavailable"), Expected(503)),
            (PNG, Expected(content_type="image/png")),
            (BenchmarkReply(200, f"{JSON}; charset=utf-8", verdict().body), Expected()),
        ],
    )
    def test_right(self, reply, expected):
        """The answer that was to come is right."""
        assert outcome_of(reply, [expected]) == (RequestOutcome.RIGHT, 0)

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (verdict(2.0), Expected(score=1.5)),
            (verdict(version="2.0"), Expected(version="1.0")),
            (verdict(), Expected(400)),
            (BenchmarkReply(200, JSON, b"[1]"), Expected()),
            (BenchmarkReply(200, JSON, b"no JSON"), Expected()),
            (BenchmarkReply(200, "text/html", verdict().body), Expected()),
            (problem(400, "bad_request"), Expected(400, code="bad_base64")),
            (BenchmarkReply(413, "", b""), Expected(413)),
            (problem(500, "internal_error"), Expected()),
            (TORCHSERVE, Expected()),
            (PNG, Expected()),
        ],
    )
    def test_wrong(self, reply, expected):
        """Another score, status, shape or type is wrong; so is a 503 that does not say what it means."""
        assert outcome_of(reply, [expected]) == (RequestOutcome.WRONG, None)

    @pytest.mark.parametrize("status", [429, 503])
    def test_refused(self, status):
        """A clean "not now" is neither right nor wrong."""
        assert outcome_of(problem(status), [Expected()]) == (RequestOutcome.REFUSED, None)

    def test_one_of_two(self):
        """While versions change, either answer is right, and which it was is told."""
        answers = [Expected(score=1.5, version="1.0"), Expected(score=2.5, version="2.0")]

        assert outcome_of(verdict(2.5, "2.0"), answers) == (RequestOutcome.RIGHT, 1)
        assert outcome_of(verdict(2.5, "1.0"), answers) == (RequestOutcome.WRONG, None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error": {"code": "a", "message": "b"}}', "a"),
        (b'{"error": {"code": "a", "message": ""}}', None),
        (b'{"error": {"code": "a", "message": "b", "trace": "c"}}', None),
        (b'{"error": "a"}', None),
        (b"", None),
    ],
)
def test_error_code(body, code):
    """An error is Snag's only in the one shape."""
    assert error_code(BenchmarkReply(400, JSON, body)) == code


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0.001, 1))
def test_quantile(values, share):
    """It is one of the values; at least the share lies at or below it, and less than the share strictly below."""
    found = quantile(values, share)

    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) * (1 - 1e-12)
    assert sum(value < found for value in values) < share * len(values)


def test_quantile_of_nothing():
    """Nothing has no quantile."""
    assert math.isnan(quantile([], 0.5))


def test_summary():
    """Counts are of all requests, times of the right ones."""
    samples = [TimedAnswer("a", at / 10, 0.1 + at / 100, RequestOutcome.RIGHT) for at in range(10)]
    samples += [TimedAnswer("a", 1.0, 9.0, RequestOutcome.LOST, tries=2), TimedAnswer("a", 1.0, 0.0, RequestOutcome.REFUSED)]

    found = summary(samples, seconds=5.0)

    assert (found.sent, found.right, found.refused, found.lost, found.wrong, found.tried_twice) == (12, 10, 1, 1, 0, 1)
    assert found.per_second == 2.0
    assert (found.p50, found.p90, found.worst) == pytest.approx((0.14, 0.18, 0.19))


def test_summary_of_nothing():
    """No requests make no figures, and no error either."""
    found = summary([])

    assert (found.sent, found.per_second) == (0, 0.0)
    assert math.isnan(found.p50)


def test_timeline():
    """A request belongs to the second in which it ended."""
    samples = [
        TimedAnswer("a", 0.2, 0.1, RequestOutcome.RIGHT),
        TimedAnswer("a", 0.9, 1.2, RequestOutcome.LOST),
        TimedAnswer("a", 0.1, 0.3, RequestOutcome.RIGHT),
    ]

    found = timeline(samples)

    assert [(one.second, dict(one.counts)) for one in found] == [(0, {RequestOutcome.RIGHT: 2}), (2, {RequestOutcome.LOST: 1})]
