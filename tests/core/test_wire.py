"""What clients send: every form of a request, every shape of JSON, and what of it is refused."""

import base64
import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from snag.core.base64_text import decode_base64
from snag.core.errors import BadBase64, BadRequest, MissingPicture, RequestError
from snag.core.wire import WANTED, Request, parse_request

PICTURE = b"\x89PNG\xfb\xff\xfe?>"


TEXT = base64.b64encode(PICTURE).decode()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(["image", "data"]), inner, max_size=4)
    ),
    max_leaves=12,
)


class Text(str):
    """A str of another type."""


class TestGroups:
    @pytest.mark.parametrize(
        "row",
        [
            {"body": {"image": TEXT, "group": "Kamera Größe 2"}},
            {"body": json.dumps({"image": TEXT, "group": "Kamera Größe 2"}).encode()},
            {"image": bytearray(PICTURE), "group": bytearray("Kamera Größe 2".encode())},
            {"image": TEXT, "group": "Kamera Größe 2"},
        ],
        ids=["JSON", "JSON as bytes", "form", "form of texts"],
    )
    def test_named(self, row):
        """A request may say which camera, tool or shift the picture is of."""
        assert Request(PICTURE, group="Kamera Größe 2") == parse_request(row)

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_not_named(self, nothing):
        """An empty name is none."""
        assert Request(PICTURE) == parse_request({"body": {"image": TEXT, "group": nothing}})

    @pytest.mark.parametrize("group", [3, ["a"], True, False, "a\nb", " a", "x" * 65, "pooled", "rest", b"\xff"])
    def test_no_name(self, group):
        """What can be no group's name is refused, and not quietly judged by the pooled threshold."""
        with pytest.raises(
            BadRequest, match="'group' is no name; expected up to 64 printable characters, not 'pooled' or 'rest'"
        ):
            parse_request({"image": bytearray(PICTURE), "group": group})


class TestForms:
    @pytest.mark.parametrize(
        "row",
        [
            {"body": bytearray(PICTURE)},
            {"body": PICTURE},
            {"image": bytearray(PICTURE)},
            {"data": bytearray(PICTURE)},
            {"body": {"image": None, "data": TEXT}},
            {"body": {"image": TEXT}},
            {"body": {"data": TEXT}},
            {"body": {"image": Text(TEXT)}},
            {"image": TEXT},
            {"body": json.dumps({"image": TEXT})},
            {"body": bytearray(json.dumps({"image": TEXT}).encode())},
            {"body": b"\xef\xbb\xbf\r\n\t " + json.dumps({"image": TEXT}).encode()},
            {"body": json.dumps({"image": TEXT}).encode("utf-16-le")},
        ],
        ids=str,
    )
    def test_one_picture(self, row):
        """A body, a multipart field, and JSON under any content type: all carry the same picture."""
        assert Request(PICTURE) == parse_request(row)

    @pytest.mark.parametrize(
        ("flag", "wanted"),
        [
            *((flag, True) for flag in (True, 1, 1.0, "true", "True", "1", b"true", bytearray(b" TRUE\r\n"))),
            *((flag, False) for flag in (False, 0, None, "false", "0", "", b"", bytearray(b"False"))),
        ],
    )
    @pytest.mark.parametrize("name", WANTED)
    def test_wants(self, name, flag, wanted):
        """Each thing is asked for by JSON's true, or by the words that a form field can hold."""
        expected = Request(PICTURE, frozenset({name} if wanted else ()))

        assert expected == parse_request({"body": {"image": TEXT, name: flag}})
        assert expected == parse_request({"image": bytearray(PICTURE), name: flag})
        assert expected == parse_request({"image": TEXT, name: flag})

    def test_wants_together(self):
        """Everything can be asked for at once."""
        row = {"body": {"image": TEXT, **dict.fromkeys(WANTED, True)}}

        assert Request(PICTURE, frozenset(WANTED)) == parse_request(row)

    @pytest.mark.parametrize("flag", ["yes", 2, -1, math.nan, [], {}, [True], b"\xff", "\ud800"])
    def test_wants_unclear(self, flag):
        """Anything else is an error, not a guess."""
        with pytest.raises(BadRequest, match="'heatmap' is neither true nor false"):
            parse_request({"body": {"image": TEXT, "heatmap": flag}})

    @pytest.mark.parametrize("start", [b"{", b"[", b" \t\r\n{", b'{"image": ', b"\xef\xbb\xbf["])
    def test_bare_grey_bytes_that_look_like_json(self, start):
        """Grey value 123 is a brace: a body of the size of bare bytes is a picture, unless it really is JSON."""
        bare = start + b"\x7b" * (256 - len(start))

        assert Request(bare) == parse_request({"body": bare}, bare_size=256)
        with pytest.raises(BadRequest, match="begins like JSON but is none"):
            parse_request({"body": bare}, bare_size=255)
        with pytest.raises(BadRequest, match="begins like JSON but is none"):
            parse_request({"body": bare}, bare_size=None)

    def test_json_of_the_size_of_bare_bytes(self):
        """JSON that happens to have just that many bytes is read as JSON."""
        body = json.dumps({"image": TEXT}).encode()

        assert Request(PICTURE) == parse_request({"body": body}, bare_size=len(body))


class TestBase64:
    @given(picture=st.binary(min_size=1, max_size=80), choices=st.randoms(use_true_random=False))
    def test_variants(self, picture, choices):
        """Either alphabet, with or without padding, white space anywhere, data-URI prefix in any case."""
        encode = choices.choice((base64.b64encode, base64.urlsafe_b64encode))
        text = encode(picture).decode()
        text = text.rstrip("=") if choices.random() < 0.5 else text
        for _ in range(choices.randrange(4)):
            at = choices.randrange(len(text) + 1)
            text = text[:at] + choices.choice((" ", "\n", "\r\n", "\t")) + text[at:]
        prefixes = (
            "",
            "data:image/png;base64,",
            "data:;base64,",
            "DATA:Image/SVG+xml;charset=UTF-8;Base64,",
            " data:a/b;base64,",
        )

        assert picture == decode_base64(choices.choice(prefixes) + text)

    @pytest.mark.parametrize(
        "text",
        [
            "A",
            "AAAAA",
            "%%%%",
            "QUJ*",
            "QQ==QQ==",
            "Q=UJD",
            "ÄÖÜß",
            "QUJD\0",
            "\ud800abc",
            "data:image/png,QUJD",
            "data:QUJD",
            "=A",
        ],
    )
    def test_refused(self, text):
        """What is not base64 is refused with the reason."""
        with pytest.raises(BadBase64, match=r"'image' is not base64: .+; expected the standard or URL-safe alphabet"):
            decode_base64(text)

    @pytest.mark.parametrize("text", ["", "   \n", "====", "data:image/png;base64,", "data:;base64, ="])
    def test_empty(self, text):
        """An empty string carries no picture."""
        with pytest.raises(MissingPicture, match="'image' is empty"):
            decode_base64(text)

    @given(st.text(max_size=40))
    def test_any_text(self, text):
        """Any text at all is either bytes or one of these two errors."""
        try:
            assert isinstance(decode_base64(text), bytes)
        except (BadBase64, MissingPicture) as error:
            check_harmless(error)


class TestRefused:
    @pytest.mark.parametrize(
        ("body", "kind", "message"),
        [
            ([], BadRequest, 'the JSON is a list; expected an object {"image": "<base64>"}'),
            (3, BadRequest, "the JSON is a number"),
            (math.nan, BadRequest, "the JSON is a number"),
            (True, BadRequest, "the JSON is a boolean"),
            (None, BadRequest, "the JSON is null"),
            ({}, MissingPicture, "the JSON object has the keys none"),
            ({"picture": TEXT, "b": 1}, MissingPicture, "the JSON object has the keys 'picture', 'b'"),
            ({"image": None}, MissingPicture, "the JSON object has the keys 'image'"),
            ({"image": 5}, BadRequest, "'image' is a number; expected a string of base64"),
            ({"image": ["QUJD"]}, BadRequest, "'image' is a list"),
            ({"image": {"b64": "QUJD"}}, BadRequest, "'image' is an object"),
            ({"image": math.nan}, BadRequest, "'image' is a number"),
            (b"", MissingPicture, "the body is empty"),
            ("", MissingPicture, "the body is empty"),
            (b"{", BadRequest, "it begins like JSON but is none"),
            (b"[" * 100_000, BadRequest, "it begins like JSON but is none"),
            (b'{"image": ' * 100_000, BadRequest, "it begins like JSON but is none"),
            (b'{"image": ' + b"9" * 5000 + b"}", BadRequest, "it begins like JSON but is none"),
            (b'{"image": "\xff"}', BadRequest, "it begins like JSON but is none"),
            (b"[1, 2]", BadRequest, "the JSON is a list"),
            (b'{"image": NaN}', BadRequest, "'image' is a number"),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_body(self, body, kind, message):
        """Each wrong shape is named, with what was expected."""
        with pytest.raises(kind) as caught:
            parse_request({"body": body})

        assert message in str(caught.value)
        check_harmless(caught.value)

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ({}, "its fields are none"),
            ({"picture": bytearray(PICTURE), "x": b""}, "its fields are 'picture', 'x'"),
            ({"image": bytearray()}, "field 'image' is empty"),
        ],
    )
    def test_fields(self, row, message):
        """A form without a picture is told which fields it had and which it should have."""
        with pytest.raises(MissingPicture) as caught:
            parse_request(row)

        expected = (
            "expected the picture as body (image/*), a multipart field 'image' or 'data', or JSON {\"image\": \"<base64>\"}"
        )
        assert f"no picture in the request: {message}; {expected}" == str(caught.value)

    @given(JSON_VALUES)
    @example({"\r\n[METRICS]forged.Count:5|#Level:Model": 1})
    @example({"\ud800": 1, "é" * 5000: 2, **{str(i): i for i in range(500)}})
    @example({"image": "\r\n[METRICS]forged.Count:5|#Level:Model"})
    @example({"image": "A" * 5000})
    @example({"image": TEXT, "heatmap": "\r\n[METRICS]" * 500})
    def test_any_json(self, body):
        """Any JSON is a request or a request's error, whose sentence is one short line of ASCII whatever the client put in."""
        text = json.dumps(body).encode()
        for row in ({"body": body}, {"body": text}, {"image": body}):
            try:
                assert isinstance(parse_request(row).picture, bytes)
            except RequestError as error:
                check_harmless(error)

    @given(st.dictionaries(st.text(max_size=60), st.binary(max_size=8) | st.text(max_size=8), max_size=12))
    def test_any_form(self, row):
        """So is any form, whatever its fields are called."""
        try:
            assert len(parse_request(row).picture) > 0
        except RequestError as error:
            check_harmless(error)

    @given(st.binary(max_size=40) | st.text(max_size=40))
    @example("\ud800")
    def test_any_body(self, body):
        """So is any body; what is not JSON and not empty goes to the decoder as it is."""
        try:
            assert len(parse_request({"body": body}).picture) > 0
        except RequestError as error:
            check_harmless(error)


def check_harmless(error: RequestError) -> None:
    """Nothing of what a client sent can break a log line, or flood it."""
    assert str(error).isascii()
    assert str(error).isprintable()
    assert len(str(error)) < 500
