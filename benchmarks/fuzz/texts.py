"""Kinds of input that are about the text around a picture: JSON of every shape, base64 of every breakage."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any, Final

from benchmarks.fuzz.craft import ANY, JUDGED, UNREADABLE, Maker, b64, error, one_of, sent, sent_json
from benchmarks.fuzz.damage import cut_off, damaged
from benchmarks.fuzz.sound import sound_pictures
from benchmarks.outcome import JSON, PreparedRequest

_MEGABYTES: Final = 10_000_000
_BAD_JSON: Final = error(400, "bad_request")
_NO_PICTURE: Final = error(400, "missing_picture")
_NUMBERS: Final = [0, -1, 0.5, 1e308, 2**63, 10**400, float("nan"), float("inf"), True, False, None]
_WORDS: Final = [
    "",
    "a",
    "image",
    "data",
    "\0",
    "\ud800",
    "é€😀",
    "[METRICS]x.unit:1|#a:b",
    "../../etc/passwd",
    "{{",
    "%s%n",
    "A" * 5000,
]


def _sound(random: Random) -> PreparedRequest:
    kind = random.choice([JSON, f"{JSON}; charset=utf-8", "Application/JSON", "application/vnd.snag+json", "text/plain"])
    content = {random.choice(["image", "data"]): b64(one_of(random, sound_pictures())), "heatmap": random.choice([True, False])}
    return sent_json("JSON, sound", content, JUDGED, kind)


def _not_an_object(random: Random) -> PreparedRequest:
    return sent_json("JSON, no object", random.choice([[], [1, "a"], 7, -0.5, "text", True, None, [{"image": "a"}]]), _BAD_JSON)


def _not_a_text(random: Random) -> PreparedRequest:
    value = random.choice([7, 1.5, True, [], ["a"], {}, {"b64": "a"}])
    return sent_json("JSON, image is no text", {"image": value}, _BAD_JSON)


def _lacks_picture(random: Random) -> PreparedRequest:
    content = random.choice(
        [{}, {"image": None}, {"Image": "a"}, {"images": ["a"]}, {"heatmap": True}, {"image": ""}, {"image": " "}]
    )
    return sent_json("JSON, no picture", content, _NO_PICTURE)


def _odd_map(random: Random) -> PreparedRequest:
    value = random.choice([2, -1, 1.5, "yes", "maybe", [], {}, [True], "1" * 5000])
    content = {"image": b64(one_of(random, sound_pictures())), "heatmap": value}
    return sent_json("JSON, heatmap is neither", content, _BAD_JSON)


def _any_shape(random: Random) -> PreparedRequest:
    return sent_json("JSON, any shape", _value(random, 4), ANY)


def _any_object(random: Random) -> PreparedRequest:
    content = {
        random.choice(["image", "data", "heatmap", "body", *_WORDS]): _value(random, 3) for _ in range(random.randint(1, 6))
    }
    return sent_json("JSON, any object", content, ANY)


def _twice(random: Random) -> PreparedRequest:
    pair = [json.dumps(b64(one_of(random, sound_pictures()))), random.choice(['"!"', "null", '"AAAA"'])]
    random.shuffle(pair)
    names = random.choice([("image", "image"), ("data", "data")])
    content = ", ".join(f'"{name}": {value}' for name, value in zip(names, pair, strict=True))
    return sent_json("JSON, a key twice", f"{{{content}}}".encode(), _BAD_JSON)


def _two(random: Random) -> PreparedRequest:
    content = {name: b64(one_of(random, sound_pictures())) for name in ("image", "data")}
    return sent_json("JSON, two pictures", content, _BAD_JSON)


def _unknown_option(random: Random) -> PreparedRequest:
    name = random.choice(["heat_map", "Regions", "Image", "threshold", "", "é", "a" * 5000])
    content = {"image": b64(one_of(random, sound_pictures())), name: random.choice([True, None, "a"])}
    return sent_json("JSON, unknown option", content, _BAD_JSON)


def _no_json(random: Random) -> PreparedRequest:
    text = random.choice(
        [
            '{"image": "a"',
            "{'image': 'a'}",
            '{"image": a}',
            '{"image": "a"} {}',
            "{",
            "nul",
            '{"image": "\\ud8"}',
            '{"a": 1,}',
            "{]",
        ]
    )
    return sent_json("JSON, broken", text.encode(), _BAD_JSON)


def _damaged(random: Random) -> PreparedRequest:
    body = json.dumps({"image": b64(one_of(random, sound_pictures()))}).encode()
    return sent_json("JSON, damaged", random.choice([cut_off, damaged])(body, random), ANY)


def _deep(random: Random) -> PreparedRequest:
    depth = random.choice([900, 5_000, 100_000])
    text = random.choice([f'{{"image": {"[" * depth}{"]" * depth}}}', '{"a":' * depth + "1" + "}" * depth])
    return sent_json("JSON, nested deeply", text.encode(), (*_BAD_JSON, *_NO_PICTURE), random.choice([JSON, "image/png"]))


def _brackets(random: Random) -> PreparedRequest:
    sign = random.choice(["[", "{", '{"image":', "[]"])
    return sent_json("JSON, 10 MB of brackets", sign.encode() * (_MEGABYTES // len(sign)), _BAD_JSON)


def _many_keys(_: Random) -> PreparedRequest:
    return sent_json("JSON, 100000 keys", {f"key {index}": index for index in range(100_000)}, _NO_PICTURE)


def _numbers(random: Random) -> PreparedRequest:
    digits = random.choice(["NaN", "Infinity", "-Infinity", "9" * 5000, "1e999", "-0"])
    return sent_json("JSON, odd numbers", f'{{"image": {digits}}}'.encode(), _BAD_JSON)


def _encoding(random: Random) -> PreparedRequest:
    text = json.dumps({"image": b64(one_of(random, sound_pictures()))})
    code = random.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp037"])
    return sent_json(f"JSON, as {code}", text.encode(code), ANY, random.choice([JSON, f"{JSON}; charset={code}"]))


def _base64_sound(random: Random) -> PreparedRequest:
    data = one_of(random, sound_pictures())
    text = random.choice(
        [
            base64.urlsafe_b64encode(data).decode(),
            b64(data).rstrip("="),
            base64.encodebytes(data).decode(),
            f"data:image/png;base64,{b64(data)}",
            f"  DATA:;base64,\n{b64(data)}\t",
            b64(data) + "====",
        ]
    )
    return sent_json("base64, sound", {"image": text}, JUDGED)


def _base64_alphabet(random: Random) -> PreparedRequest:
    text = b64(one_of(random, sound_pictures()))
    at = random.randrange(len(text) - 2)
    return sent_json(
        "base64, foreign sign", {"image": text[:at] + random.choice("!#$%&*.~é😀\0") + text[at + 1 :]}, error(400, "bad_base64")
    )


def _base64_padding(random: Random) -> PreparedRequest:
    text = b64(one_of(random, sound_pictures())).rstrip("=")
    text = random.choice([text[: len(text) // 4 * 4 - 3], "A", f"{text[:8]}={text[8:]}", "=" + text, "===="])
    answers = error(400, "bad_base64", "missing_picture", "broken_picture") + UNREADABLE
    return sent_json("base64, padding", {"image": text}, answers)


def _base64_nested(random: Random) -> PreparedRequest:
    data = one_of(random, sound_pictures())
    text = random.choice(
        [b64(b64(data).encode()), b64(json.dumps({"image": b64(data)}).encode()), b64(b"data:image/png;base64,AA==")]
    )
    return sent_json("base64, nested", {"image": text}, UNREADABLE)


def _base64_damaged(random: Random) -> PreparedRequest:
    text = damaged(b64(one_of(random, sound_pictures())).encode(), random).decode("latin-1")
    return sent_json("base64, damaged", {"image": text}, ANY)


def _base64_prefix(random: Random) -> PreparedRequest:
    prefix = random.choice(
        ["data:", "data:image/png,", "data:image/png;base64", "base64,", "data:;;;base64," * 50, "data:" + ";a=b" * 2000]
    )
    answers = error(400, "bad_base64", "missing_picture") + UNREADABLE
    return sent_json("base64, odd prefix", {"image": prefix + b64(one_of(random, sound_pictures()))}, answers)


def _base64_blank(random: Random) -> PreparedRequest:
    blank = random.choice([" ", "\n", "\t\r\n", "\u2003", "\ufeff", "\x0b\x0c"])
    return sent_json(
        "base64, blanks alone", {"image": blank * random.randint(1, 3000)}, error(400, "missing_picture", "bad_base64")
    )


def _base64_bare(random: Random) -> PreparedRequest:
    size = 2**20 + random.choice([-1, 0, 1])
    answers = JUDGED if size == 2**20 else UNREADABLE
    return sent_json("base64, a bare picture", {"image": b64(random.randbytes(1) * size)}, (*answers, *UNREADABLE))


def _base64_as_body(random: Random) -> PreparedRequest:
    body = b64(one_of(random, sound_pictures())).encode()
    return sent("base64, without JSON", body, JUDGED, random.choice(["text/plain", "application/base64", None]))


def _value(random: Random, depth: int) -> Any:
    """Any JSON value, nested at most so deep."""
    if depth == 0 or random.random() < 0.4:
        return random.choice([*_NUMBERS, *_WORDS])
    if random.random() < 0.5:
        return [_value(random, depth - 1) for _ in range(random.randint(0, 4))]
    return {random.choice(_WORDS): _value(random, depth - 1) for _ in range(random.randint(0, 4))}


#: Makers of one input, and how often one is drawn among the others.
TEXTS: Final[dict[Maker, float]] = {
    _sound: 3,
    _not_an_object: 1,
    _not_a_text: 1,
    _lacks_picture: 1,
    _odd_map: 1,
    _any_shape: 3,
    _any_object: 3,
    _twice: 1,
    _two: 1,
    _unknown_option: 1,
    _no_json: 1,
    _damaged: 3,
    _deep: 1,
    _brackets: 0.05,
    _many_keys: 0.1,
    _numbers: 1,
    _encoding: 1,
    _base64_sound: 2,
    _base64_alphabet: 1,
    _base64_padding: 1,
    _base64_nested: 1,
    _base64_damaged: 2,
    _base64_prefix: 1,
    _base64_blank: 1,
    _base64_bare: 0.2,
    _base64_as_body: 1,
}
