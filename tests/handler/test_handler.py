"""The handler without a server: its answers and their headers."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from snag.core.artifact import Artifact, load_artifact
from snag.core.calibration import read_calibration
from snag.core.heatmap import coloured, overlay, scale_of
from snag.core.picture import decode
from snag.core.ranks import RANKS_HEADER, Ranks, name_of, parse_ranks, place_of
from tests.support.workers import as_json, ask, expected, make_context, make_handler, png


class TestAnswers:
    @pytest.mark.parametrize(("value", "anomaly"), [(130, False), (255, True)])
    def test_verdict(self, unpacked, value, anomaly):
        """A picture is answered 200 with the verdict of the artefact's score under the calibration."""
        answers = ask(make_handler(unpacked), unpacked, {"body": png(value)})

        assert [(200, "OK", "application/json", expected(unpacked, png(value)))] == answers
        assert anomaly is answers[0][3]["Anomaly"]

    def test_forms_agree(self, unpacked):
        """Body, JSON, data URI, URL-safe alphabet, either multipart field and misspelt content types give the same verdict."""
        picture = png(200)
        text = base64.b64encode(picture).decode()
        rows = [
            {"body": picture},
            as_json(picture),
            {"body": {"image": "data:image/png;base64," + text}},
            {"body": {"image": text.replace("+", "-").replace("/", "_").rstrip("=")}},
            {"image": picture},
            {"data": picture},
            {"body": bytearray(json.dumps({"image": text}).encode())},
        ]
        headers = [{}] * 6 + [{"Content-Type": "Application/JSON; charset=utf-8"}]

        answers = ask(make_handler(unpacked), unpacked, *rows, headers=headers)

        assert [(200, "OK", "application/json", expected(unpacked, picture))] * len(rows) == answers

    def test_raw_grey_bytes(self, unpacked):
        """Exactly raw_height x raw_width bytes are a grey picture, and answered as the same pixels in a PNG."""
        pixels = np.arange(32 * 32, dtype=np.uint32).astype(np.uint8).reshape(32, 32)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")

        raw, encoded = ask(make_handler(unpacked), unpacked, as_json(pixels.tobytes()), {"body": bytearray(buffer.getvalue())})

        assert raw == encoded
        assert raw[0] == 200

    def test_heatmap(self, unpacked):
        """Asked for, the verdict carries the map as a PNG of the picture's own size whose pixel values are the scale."""
        picture = png(255)

        answer = ask(make_handler(unpacked), unpacked, as_json(picture, heatmap=True))[0][3]
        drawn = Image.open(io.BytesIO(base64.b64decode(answer.pop("heatmap"))))

        artifact, calibration = load_artifact(unpacked / "snag.pt"), read_calibration(unpacked / "calibration.json")
        anomaly_map = artifact.map_in_picture(artifact.score([decode(picture)])[0], 24, 40)
        assert expected(unpacked, picture) == answer
        assert (drawn.mode, drawn.size) == ("P", (40, 24))
        assert np.array_equal(coloured(anomaly_map, scale_of(calibration)), drawn)

    def test_explanation(self, unpacked):
        """An explanation is the picture with its map laid over, as PNG."""
        picture = png(255)

        status, phrase, kind, body = ask(make_handler(unpacked), unpacked, {"body": picture}, headers=[{"explain": "True"}])[0]

        artifact, calibration = load_artifact(unpacked / "snag.pt"), read_calibration(unpacked / "calibration.json")
        anomaly_map = artifact.map_in_picture(artifact.score([decode(picture)])[0], 24, 40)
        assert (status, phrase, kind) == (200, "OK", "image/png")
        assert np.array_equal(overlay(decode(picture), anomaly_map, scale_of(calibration)), Image.open(io.BytesIO(body)))


class TestHeaders:
    @pytest.mark.parametrize("explain", ["True", "False"])
    def test_server_timing(self, unpacked, explain):
        """Verdicts and explanations say how many milliseconds decoding and scoring took."""
        context = make_context(unpacked, 1, [{"explain": explain}])
        make_handler(unpacked).handle([{"body": png()}], context)

        header = context.get_response_headers(0)["Server-Timing"]

        match = re.fullmatch(r"decode;dur=(\d+\.\d), score;dur=(\d+\.\d)", header)
        assert match, header
        assert all(0 < float(milliseconds) < 5000 for milliseconds in match.groups())

    def test_ranks(self, unpacked):
        """A verdict says where the picture stands among the calibration pictures, for whoever watches the whole line."""
        context = make_context(unpacked, 2, [{}, {"explain": "True"}])
        make_handler(unpacked).handle([{"body": png(130)}, {"body": png(130)}], context)

        ranks = parse_ranks(context.get_response_headers(0)[RANKS_HEADER])

        calibration = read_calibration(unpacked / "calibration.json")
        score = expected(unpacked, png(130))["score"]
        assert ranks == Ranks(name_of(calibration), {"score": place_of(score, calibration.scores)})
        assert RANKS_HEADER not in context.get_response_headers(1)

    def test_errors_have_no_timing(self, unpacked):
        context = make_context(unpacked, 1)
        make_handler(unpacked).handle([{"body": bytearray(b"x")}], context)

        assert "Server-Timing" not in context.get_response_headers(0)

    @pytest.mark.parametrize(
        ("headers", "expected_id"),
        [
            ({"X-Request-Id": "part 7"}, "part 7"),
            ({"x-request-id": "8"}, "8"),
            ({"X-Request-Id": ""}, "request-0"),
            ({}, "request-0"),
        ],
    )
    def test_request_id(self, unpacked, monkeypatch, capfd, headers, expected_id):
        """In the log a request has its client's id, or TorchServe's where it has none."""
        handler = make_handler(unpacked)
        monkeypatch.setattr(Artifact, "score", lambda *_: 1 / 0)

        ask(handler, unpacked, {"body": png()}, headers=[headers])

        assert json.loads(capfd.readouterr().err)["request_id"] == expected_id
