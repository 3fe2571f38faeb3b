"""Kinds of input that are about the request: forms, content types, methods, paths, headers, sizes."""

from __future__ import annotations

import dataclasses
import gzip
from random import Random
from typing import Final

from benchmarks.fuzz.craft import (
    ANY,
    BYTES,
    EXPLANATIONS,
    JUDGED,
    PREDICTIONS,
    REFUSED,
    UNREADABLE,
    Maker,
    b64,
    error,
    one_of,
    part,
    sent,
    sent_form,
    sent_json,
)
from benchmarks.fuzz.damage import damaged
from benchmarks.fuzz.sound import sound_pictures
from benchmarks.outcome import JSON, Expected, PreparedRequest

_LIMIT: Final = 16 * 2**20  #: max_request_size of config.properties
_NO_PICTURE: Final = error(400, "missing_picture")
_FORM: Final = "application/x-www-form-urlencoded"
_NAMES: Final = ["a.png", "a.jpg", "a.exe", "../../a.png", "a" * 3000, "é.png", "a\\b.png", "con", ""]
_METHODS: Final = ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")  #: an answer to HEAD has no body to look at


def _form_sound(random: Random) -> PreparedRequest:
    head = part(random.choice(["image", "data"]), random.choice(_NAMES), random.choice([None, BYTES, "image/png", "text/html"]))
    parts = [(head, one_of(random, sound_pictures()))]
    if random.random() < 0.5:
        parts.append((part("heatmap"), random.choice([b"true", b"false", b"1", b"0"])))
    random.shuffle(parts)
    return sent_form("form, sound", parts, JUDGED)


def _form_lacks_field(random: Random) -> PreparedRequest:
    field = random.choice(["picture", "Image", "file", "body2", "é", "a" * 2000, " "])
    answers = (*_NO_PICTURE, *error(400, "bad_request"))  # a field without a name breaks the form
    return sent_form("form, no picture", [(part(field, "a.png"), one_of(random, sound_pictures()))], answers)


def _form_twice(random: Random) -> PreparedRequest:
    parts = [(part("image", "a.png"), one_of(random, sound_pictures())) for _ in range(random.randint(2, 4))]
    return sent_form("form, field repeated", parts, error(400, "bad_request"))


def _form_empty_field(random: Random) -> PreparedRequest:
    field = part(random.choice(["image", "data"]), random.choice(_NAMES))
    return sent_form("form, field empty", [(field, b"")], _NO_PICTURE)


def _form_odd_map(random: Random) -> PreparedRequest:
    parts = [
        (part("image", "a.png"), one_of(random, sound_pictures())),
        (part("heatmap"), random.choice([b"maybe", b"\xff\xfe", b"2"])),
    ]
    return sent_form("form, heatmap is neither", parts, error(400, "bad_request"))


def _form_no_file(random: Random) -> PreparedRequest:
    content = random.choice([b64(one_of(random, sound_pictures())).encode(), b"hello", b"@part.png"])
    return sent_form("form, text for a picture", [(part("image"), content)], (*JUDGED, *UNREADABLE))


def _form_many(random: Random) -> PreparedRequest:
    parts = [(part(f"field {index}"), b"x") for index in range(random.choice([20, 500, 3000]))]
    return sent_form("form, many fields", parts, (*_NO_PICTURE, *error(400, "bad_request")))


def _form_broken(random: Random) -> PreparedRequest:
    sound = sent_form("form, broken", [(part("image", "a.png"), one_of(random, sound_pictures()))], ANY)
    kind = random.choice(
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=other", "multipart/mixed"]
    )
    if random.random() < 0.4:
        return dataclasses.replace(sound, headers={"Content-Type": kind})
    return dataclasses.replace(sound, body=damaged(sound.body, random))


def _curls_default(random: Random) -> PreparedRequest:
    return sent("type, curl's own for a form", one_of(random, sound_pictures()), JUDGED, _FORM)


def _urlencoded(random: Random) -> PreparedRequest:
    body = random.choice([b"image=a", b"image=" + b"%41" * 500, b"a=b&" * 2000, b"=&=&%", b"%zz%\xff", b"image=%00"])
    return sent("type, a form of text", body, ANY, _FORM)


def _wrong_type(random: Random) -> PreparedRequest:
    kind = random.choice(
        ["image/gif", "image/jpeg", "text/html", "text/plain; charset=utf-16", "application/problem+json", "x", "*/*", ";"]
    )
    return sent("type, another", one_of(random, sound_pictures()), (*JUDGED, *REFUSED), kind)


def _json_type(random: Random) -> PreparedRequest:
    kind = random.choice([JSON, f"{JSON}; charset=latin-1", "APPLICATION/JSON"])
    return sent("type, JSON for a picture", one_of(random, sound_pictures()), error(400, "bad_request"), kind)


def _picture_type(random: Random) -> PreparedRequest:
    content = {"image": b64(one_of(random, sound_pictures()))}
    return sent_json("type, picture for JSON", content, JUDGED, random.choice(["image/png", BYTES, "text/html"]))


def _odd_type(random: Random) -> PreparedRequest:
    kind = random.choice(
        ["a" * 4000, "image/png; a=" + "b" * 3000, "é/ü", "image/png\t", '"image/png"', "image/png, text/html", "🦊"]
    )
    return sent("type, odd", one_of(random, sound_pictures()), (*JUDGED, *REFUSED), kind)


def _compressed(random: Random) -> PreparedRequest:
    request = sent("header, compressed", gzip.compress(one_of(random, sound_pictures())), (*REFUSED, *UNREADABLE))
    encoding = random.choice(["gzip", "deflate", "br", "gzip, gzip", "identity, gzip"])
    return dataclasses.replace(request, headers={**request.headers, "Content-Encoding": encoding})


def _header(random: Random) -> PreparedRequest:
    """Headers that mean something to the server inside; from a client they mean nothing."""
    odd = {
        "explain": random.choice(["True", "False", "x"]),
        "url_path": "a/b",
        "x-snag-probe": "1",
        "X-Request-Id": random.choice(["a", "a" * 3000, "é", "[METRICS]x.unit:1", '"}', "a b"]),
        "Accept": random.choice(["text/html", "image/png", "*/*;q=0"]),
        "image": "a",
        "X-Forwarded-For": "1.2.3.4",
        "Cookie": "a=b" * 500,
        "Range": "bytes=0-1",
        "If-None-Match": "*",
    }
    chosen = dict(random.sample(list(odd.items()), random.randint(1, 4)))
    request = sent("header, odd", one_of(random, sound_pictures()), (*JUDGED, *REFUSED))
    return dataclasses.replace(request, headers={**request.headers, **chosen})


def _method(random: Random) -> PreparedRequest:
    method = random.choice(_METHODS)
    body = random.choice([b"", b"hello"]) if method in ("PUT", "DELETE", "PATCH") else b""
    path = random.choice([PREDICTIONS, EXPLANATIONS])
    return PreparedRequest("method, another", path, body, {"Content-Type": BYTES} if body else {}, REFUSED, method)


def _path(random: Random) -> PreparedRequest:
    path = random.choice(
        [
            "/predictions/nothing",
            "/predictions/",
            "/predictions",
            "/predictions/{model}/9.9",
            "/predictions/{model}/../other",
            "/predictions/..%2f..%2fetc%2fpasswd",
            "/predictions/{model}%00",
            "/predictions/" + "a" * 3000,
            "/predictions/é😀",
            "/predictions/{model}?customized=true&x=" + "y" * 500,
            "/predictions/{model}/1.0/a/b",
            "//predictions/{model}",
            "/models",
            "/v1/models/{model}:predict",
            "/invocations",
            "/{model}/predict",
            "/api-description",
            "/metrics",
            "/",
        ]
    )
    return sent("path, another", one_of(random, sound_pictures()), (*JUDGED, *REFUSED), path=path)


def _at_the_limit(random: Random) -> PreparedRequest:
    return sent("size, at the limit", random.choice([bytes(_LIMIT), b"BM" + bytes(_LIMIT - 2)]), UNREADABLE)


def _over_the_limit(random: Random) -> PreparedRequest:
    size = _LIMIT + random.choice([1, 1000, 2**22])
    return sent("size, over the limit", bytes(size), (Expected(413, code="request_too_large"),), random.choice([BYTES, JSON]))


#: Makers of one input, and how often one is drawn among the others.
FORMS: Final[dict[Maker, float]] = {
    _form_sound: 2,
    _form_lacks_field: 1,
    _form_twice: 1,
    _form_empty_field: 1,
    _form_odd_map: 1,
    _form_no_file: 1,
    _form_many: 0.5,
    _form_broken: 2,
    _curls_default: 1,
    _urlencoded: 1,
    _wrong_type: 1,
    _json_type: 1,
    _picture_type: 1,
    _odd_type: 1,
    _compressed: 1,
    _header: 2,
    _method: 1,
    _path: 2,
    _at_the_limit: 0.05,
    _over_the_limit: 0.1,
}
