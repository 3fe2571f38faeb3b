"""Real pictures of MVTec AD `screw` through the real server, where they are at hand."""

import base64
import io

import pytest
from PIL import Image

from snag.core.picture import decode

pytestmark = [pytest.mark.e2e, pytest.mark.real]


def test_served_as_scored_here(live_server, screw):
    """Original PNGs and lossless WebPs get the score that the artefact gives them here, and a map of their own size."""
    kinds = [screw / "test" / "good", *sorted((screw / "test").glob("scratch*")), screw / "train" / "good"]
    pictures = [min(kind.iterdir()).read_bytes() for kind in kinds]
    client = live_server.client()

    answers = [client.predict_with(picture, ["heatmap"]) for picture in pictures]
    client.close()

    assert len(answers) >= 3
    expected = [scores.anomaly_score for scores in live_server.artifact.score([decode(picture) for picture in pictures])]
    assert [answer.verdict.score for answer in answers] == expected
    assert {Image.open(io.BytesIO(answer.pictures["heatmap"])).size for answer in answers} == {(1024, 1024)}


def test_the_reference_client(live_server, screw):
    """A client of the reference, which sends base64 of the bare pixels, gets the same verdict as the file itself."""
    import requests

    path = min((screw / "test" / "good").iterdir())
    pixels = Image.open(path).convert("L").tobytes()

    answer = requests.post(
        f"{live_server.url}/predictions/tiny-bolt", json={"image": base64.b64encode(pixels).decode()}, timeout=30
    ).json()

    client = live_server.client()
    assert (answer["score"], answer["Anomaly"]) == ((verdict := client.predict(path.read_bytes())).score, verdict.is_anomaly)
    client.close()
