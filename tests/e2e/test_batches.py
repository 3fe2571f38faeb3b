"""Batches of strangers: many clients at once, a third of them with rubbish, and nobody gets what is another's."""

import base64
import io
import json
from itertools import cycle

import numpy as np
import pytest
import requests
from PIL import Image

from benchmarks import traffic
from benchmarks.outcome import Expected, PreparedRequest, RequestOutcome
from benchmarks.traffic import Load, LoadTarget
from snag.core.picture import decode

pytestmark = pytest.mark.e2e

CLIENTS = 32
PATH = "/predictions/tiny-bolt"
BYTES = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}


def png(value, size=(64, 48)):
    buffer = io.BytesIO()
    Image.fromarray(np.full(size[::-1], value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def good(server):
    """Pictures of as many greys and sizes as there are requests, each with the score that it gets alone, here."""
    for number in range(24):
        picture = png(100 + 6 * number, (40 + number, 64 - number))
        score = server.artifact.score([decode(picture)])[0].anomaly_score
        answers = (Expected(score=score, tolerance=0.0, version="1.5"),)
        body = json.dumps({"image": base64.b64encode(picture).decode()}).encode()
        yield (
            PreparedRequest(f"good {number}", PATH, body, JSON, answers)
            if number % 2
            else PreparedRequest(f"good {number}", PATH, picture, BYTES, answers)
        )


def bad():
    """Every error that a worker makes of a request of its own, and a picture whose answer is no verdict."""
    picture = png(120)
    rubbish = {
        ("missing_picture", 400): (b"", BYTES),
        ("bad_base64", 400): (b'{"image": "!"}', JSON),
        ("bad_request", 400): (b"[]", JSON),
        ("broken_picture", 400): (picture[:60], BYTES),
        ("picture_too_large", 413): (png(1, (20_001, 1)), BYTES),
        ("unsupported_format", 415): (b"hello", BYTES),
    }
    for (code, status), (body, headers) in rubbish.items():
        yield PreparedRequest(code, PATH, body, headers, (Expected(status, code=code),))
    yield PreparedRequest("overlay", "/explanations/tiny-bolt", picture, BYTES, (Expected(content_type="image/png"),))


def test_everybody_gets_their_own(live_server):
    """With batches of 8 and 32 clients, good requests get their scores to the last bit, bad ones their own errors."""
    goods, bads = cycle(good(live_server)), cycle(bad())
    mixed = [next(bads) if number % 3 == 0 else next(goods) for number in range(1200)]

    samples = traffic.run(LoadTarget(live_server.url), mixed, Load(clients=CLIENTS, count=len(mixed)))

    assert [(one.name, one.status, one.detail) for one in samples if one.outcome is not RequestOutcome.RIGHT] == []
    assert {one.name for one in samples} == {one.name for one in mixed}


def test_batches_are_on(live_server):
    """The server of these tests does hand over up to eight requests at once."""
    (version,) = requests.get(f"http://127.0.0.1:{live_server.ports[1]}/models/tiny-bolt", timeout=10).json()

    assert version["batchSize"] == 8
