"""Every way to send a picture to the real server, and every way to get it wrong."""

import base64
import io
import json

import numpy as np
import pytest
import requests
import torch
from PIL import Image

import snag
from snag.core.heatmap import coloured, overlay, scale_of
from snag.core.picture import decode
from snag.core.wire import parse_verdict
from tests.support.fakes import TinyDetector

pytestmark = pytest.mark.e2e

PIXELS = (np.add.outer(np.arange(1024), 3 * np.arange(1024)) // 8 % 256).astype(np.uint8)


def encoded(kind="PNG", picture=None, **options):
    buffer = io.BytesIO()
    (picture or Image.fromarray(PIXELS[:96, :160])).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def post(live_server, session):
    def post(path="/predictions/tiny-bolt", **content):
        return session.post(live_server.url + path, timeout=30, **content)

    return post


def verdict_of(server, picture):
    """The answer that these bytes must get, computed here."""
    scores = server.artifact.score([decode(picture)])[0]
    at_least = sum(score >= scores.anomaly_score for score in server.calibration.scores)
    return {
        "Anomaly": scores.anomaly_score > server.calibration.threshold,
        "score": scores.anomaly_score,
        "threshold": server.calibration.threshold,
        "p_value": (1 + at_least) / (server.calibration.count + 1),
        "reconstruction_error": scores.reconstruction_error,
        "model": "tiny-bolt",
        "version": "1.5",
    }


def b64(data):
    return base64.b64encode(data).decode()


PNG = encoded()
FORMS = {
    "json": {"json": {"image": b64(PNG)}},
    "json, charset": {"data": json.dumps({"image": b64(PNG)}), "headers": {"Content-Type": "application/json; charset=utf-8"}},
    "json, capitals": {"data": json.dumps({"image": b64(PNG)}), "headers": {"Content-Type": "Application/JSON"}},
    "json, other type": {"data": json.dumps({"image": b64(PNG)}), "headers": {"Content-Type": "application/vnd.snag+json"}},
    "json, no type": {"data": json.dumps({"image": b64(PNG)}).encode()},
    "data uri": {"json": {"image": "data:image/png;base64," + b64(PNG)}},
    "url-safe": {"json": {"image": base64.urlsafe_b64encode(PNG).decode().rstrip("=")}},
    "line breaks": {"json": {"image": base64.encodebytes(PNG).decode()}},
    "body, image/png": {"data": PNG, "headers": {"Content-Type": "image/png"}},
    "body, octet-stream": {"data": PNG, "headers": {"Content-Type": "application/octet-stream"}},
    "body, no type": {"data": PNG},
    "multipart image": {"files": {"image": ("part.png", PNG, "image/png")}},
    "multipart data": {"files": {"data": ("part.png", PNG, "image/png")}},
    "multipart, base64 as text": {"files": {"image": (None, b64(PNG))}},
    "json, UTF-16": {"data": json.dumps({"image": b64(PNG)}).encode("utf-16"), "headers": {"Content-Type": "application/json"}},
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(live_server, post, form):
    """However the bytes come, the answer is the verdict on them, in JSON."""
    answer = post(**FORMS[form])

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == verdict_of(live_server, PNG)


def test_put(live_server, session):
    """A picture that is put is judged as one that is posted."""
    answer = session.put(f"{live_server.url}/predictions/tiny-bolt", data=PNG, timeout=30)

    assert answer.json() == verdict_of(live_server, PNG)


@pytest.mark.parametrize("form", ["json", "body, no type", "multipart image"])
def test_query(live_server, post, form):
    """What a body may ask for its address may ask for too, in whatever form the picture comes."""
    answer = post("/predictions/tiny-bolt?regions=true&mask=0&group=Gr%C3%B6%C3%9Fe+2", **FORMS[form]).json()

    assert isinstance(answer.pop("regions"), list)
    assert answer == verdict_of(live_server, PNG) | {"group": "Größe 2", "threshold_of": "pooled", "promised": False}


@pytest.mark.parametrize("send", ["json", "body"])
def test_raw_grey(live_server, post, send):
    """Exactly 1024 x 1024 grey bytes, as the reference's clients send them, are the picture they are."""
    raw = PIXELS.tobytes()
    answer = post(json={"image": b64(raw)}) if send == "json" else post(data=raw)

    assert answer.json() == verdict_of(live_server, encoded(picture=Image.fromarray(PIXELS)))


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "L", {}),
        ("JPEG", "RGB", {}),
        ("JPEG", "CMYK", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("TIFF", "L", {}),
        ("TIFF", "I;16", {}),
        ("BMP", "RGB", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {}),
        ("PNG", "I;16", {}),
        ("PNG", "1", {}),
    ],
)
def test_formats(live_server, post, kind, mode, options):
    """Every format and depth is decoded in the server as it is here."""
    grey = Image.fromarray(PIXELS[:96, :160])
    deep = Image.fromarray(PIXELS[:96, :160].astype(np.uint16) * 257)
    picture = encoded(kind, deep if mode == "I;16" else grey.convert(mode), **options)

    assert post(data=picture).json() == verdict_of(live_server, picture)


def test_orientation(live_server, post):
    """EXIF orientation is honoured: the map comes upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = encoded("JPEG", exif=exif)

    answer = post(json={"image": b64(picture), "heatmap": True}).json()

    drawn = Image.open(io.BytesIO(base64.b64decode(answer.pop("heatmap"))))
    assert answer == verdict_of(live_server, picture)
    assert drawn.size == (96, 160)


@pytest.mark.parametrize("form", ["json", "multipart"])
def test_heatmap(live_server, post, form):
    """Asked for, the map comes along at the picture's own size, drawn on the model's fixed scale."""
    ways = {
        "json": {"json": {"image": b64(PNG), "heatmap": True}},
        "multipart": {"files": {"image": PNG}, "data": {"heatmap": "true"}},
    }
    answer = post(**ways[form]).json()

    drawn = Image.open(io.BytesIO(base64.b64decode(answer.pop("heatmap"))))
    anomaly_map = live_server.artifact.map_in_picture(live_server.artifact.score([decode(PNG)])[0], 96, 160)
    assert answer == verdict_of(live_server, PNG)
    assert np.array_equal(drawn, coloured(anomaly_map, scale_of(live_server.calibration)))


def test_explanation(live_server, post):
    """/explanations answers with the overlay as PNG."""
    answer = post("/explanations/tiny-bolt", data=PNG)

    anomaly_map = live_server.artifact.map_in_picture(live_server.artifact.score([decode(PNG)])[0], 96, 160)
    expected = overlay(decode(PNG), anomaly_map, scale_of(live_server.calibration))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert np.array_equal(Image.open(io.BytesIO(answer.content)), expected)


BOMB = encoded(picture=Image.new("1", (30000, 30000)))
WRONG = {
    "empty": ({"data": b""}, 400, "missing_picture"),
    "empty object": ({"json": {}}, 400, "missing_picture"),
    "other field": ({"files": {"photo": PNG}}, 400, "missing_picture"),
    "null": ({"data": "null", "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
    "list": ({"json": [1, 2]}, 400, "bad_request"),
    "number for a picture": ({"json": {"image": 5}}, 400, "bad_request"),
    "half JSON": ({"data": '{"image": "', "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
    "half JSON, no type": ({"data": b'{"image": "'}, 400, "bad_request"),
    "no JSON": ({"data": "a picture", "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
    "deep JSON": ({"data": "[" * 100_000, "headers": {"Content-Type": "application/json"}}, 400, "bad_request"),
    "two files": ({"files": [("image", PNG), ("image", PNG)]}, 400, "bad_request"),
    "two fields": ({"files": {"image": PNG, "data": PNG}}, 400, "bad_request"),
    "two pictures in JSON": ({"json": {"image": b64(PNG), "data": b64(PNG)}}, 400, "bad_request"),
    "one key twice": (
        {"data": f'{{"image": "{b64(PNG)}", "image": "{b64(PNG)}"}}', "headers": {"Content-Type": "application/json"}},
        400,
        "bad_request",
    ),
    "one behind the other": ({"data": PNG + PNG}, 400, "broken_picture"),
    "a list of pictures": ({"json": {"instances": [{"image": b64(PNG)}, {"image": b64(PNG)}]}}, 400, "missing_picture"),
    "unknown option": ({"json": {"image": b64(PNG), "heat_map": True}}, 400, "bad_request"),
    "unknown field": ({"files": {"image": PNG}, "data": {"Regions": "true"}}, 400, "bad_request"),
    "contradiction": ({"json": {"image": b64(PNG), "group": "a"}, "headers": {"Snag-Group": "b"}}, 400, "bad_request"),
    "heatmap neither": ({"json": {"image": b64(PNG), "heatmap": "perhaps"}}, 400, "bad_request"),
    "base64": ({"json": {"image": "%%%"}}, 400, "bad_base64"),
    "truncated": ({"data": PNG[: len(PNG) // 2]}, 400, "broken_picture"),
    "text": ({"data": "hello", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_format"),
    "latin-1 text": ({"data": b"\xff\xfe\xe9", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_format"),
    "GIF": ({"data": encoded("GIF")}, 415, "unsupported_format"),
    "bomb": ({"data": BOMB}, 413, "picture_too_large"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_requests(post, name):
    """A wrong request gets its own status and JSON that names the trouble; the connection survives for the next."""
    content, status, code = WRONG[name]

    answer = post(**content)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json()["error"].keys() == {"code", "message"}
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("form", ["json", "body, no type", "multipart image"])
def test_explanation_and_more(post, form):
    """An explanation is the overlay; who asks for more there is told, not left without it."""
    answer = post("/explanations/tiny-bolt?heatmap=true", **FORMS[form])

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert "an explanation is the overlay alone; ask /predictions for heatmap" in answer.json()["error"]["message"]


def test_get(live_server, session):
    """A GET is told what was expected."""
    answer = session.get(f"{live_server.url}/predictions/tiny-bolt", timeout=30)

    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_versions(live_server, post):
    """The version may be named in the path; another version is not there, nor is another model."""
    assert post("/predictions/tiny-bolt/1.5", data=PNG).json() == verdict_of(live_server, PNG)
    for path in ("/predictions/tiny-bolt/9.9", "/predictions/nothing"):
        answer = post(path, data=PNG)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_model")


def test_body_over_the_limit(post):
    """A body over max_request_size is refused with 413 before it reaches a worker."""
    answer = post(data=b"x" * (16 * 2**20 + 1))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


def test_parity(live_server, post):
    """The same bytes give the same score in eager Python, in the artefact's TorchScript, and from the server."""
    pictures = [encoded(picture=Image.fromarray(np.roll(PIXELS, 37 * k)[: 90 + k, :70])) for k in range(6)]

    eager = [float(found.score) for found in TinyDetector().eval().score([decode(picture) for picture in pictures])]
    scripted = [scores.anomaly_score for scores in live_server.artifact.score([decode(picture) for picture in pictures])]
    served = [post(data=picture).json()["score"] for picture in pictures]

    assert scripted == served
    assert torch.allclose(torch.tensor(eager), torch.tensor(scripted), rtol=1e-6, atol=0)


def test_the_archive_gives_the_same_verdict_without_a_server(live_server, post):
    """`snag.load` of the served archive and the server say the same of the same bytes, to the last digit."""
    inspector = snag.load(live_server.folder.parent / "store" / "tiny-bolt.mar")

    for picture in (encoded(), encoded("JPEG"), encoded("PNG", Image.new("RGB", (50, 40), (250, 20, 90)))):
        assert inspector.judge(picture) == parse_verdict(post(data=picture).json())
