"""One picture in each request, options by their known names, and nothing said twice: wherever a worker finds them."""

import base64
import json

import pytest

from snag.core.errors import BadBase64, BadRequest, MissingPicture
from snag.core.wire import WANTED, Request, options_text, parse_request, read_options

PNG = b"\x89PNG\r\n\x1a\n"
TEXT = base64.b64encode(PNG).decode()
JSON = "application/vnd.snag+json"


def refused(row, kind=BadRequest, **more):
    with pytest.raises(kind) as caught:
        parse_request(row, **more)
    return str(caught.value)


class TestOnePicture:
    @pytest.mark.parametrize(
        ("row", "sentence"),
        [
            (
                {"image": PNG, "data": PNG},
                "2 places for a picture, its fields are 'image', 'data'; expected one picture",
            ),
            (
                {"image": b"", "data": PNG},
                "2 places for a picture, its fields are 'image', 'data'; expected one picture",
            ),
            ({"body": PNG, "image": PNG}, "'image' stands beside another picture; expected one picture in each request"),
            (
                {"body": {"image": TEXT, "data": TEXT}},
                "2 places for a picture, the JSON object has the keys 'image', 'data'",
            ),
            ({"body": {"image": TEXT}, "data": PNG}, "'data' stands beside another picture"),
            (
                {"body": {"image": [TEXT, TEXT]}},
                "'image' is a list; expected a string of base64, the one picture",
            ),
            ({"body": {"data": {"b64": TEXT}}}, "'data' is an object; expected a string of base64"),
            ({"body": [{"image": TEXT}, {"image": TEXT}]}, "the JSON is a list; expected an object"),
        ],
    )
    def test_two(self, row, sentence):
        """A request that may mean two pictures is refused, for the one that is not judged may be the defective one."""
        assert sentence in refused(row)

    @pytest.mark.parametrize("content_type", [JSON, "application/octet-stream"])
    @pytest.mark.parametrize("second", [TEXT, "", None])
    def test_one_key_twice(self, content_type, second):
        """So is JSON in which a key stands twice, of which a reader keeps the last."""
        body = f'{{"image": "{TEXT}", "image": {json.dumps(second)}}}'.encode()

        assert "the JSON has the key 'image' twice" in refused({"body": body}, content_type=content_type)

    @pytest.mark.parametrize(
        "body", [{"instances": [{"image": TEXT}, {"image": TEXT}]}, {"inputs": [{"data": [TEXT]}]}, {"Image": TEXT}]
    )
    def test_other_protocols(self, body):
        """What other servers take is no picture here; the keys that came are named."""
        assert f"the JSON object has the keys '{next(iter(body))}'; expected" in refused({"body": body}, MissingPicture)

    def test_nothing_beside_one(self):
        """JSON's null is no picture."""
        assert parse_request({"body": {"image": TEXT, "data": None}}) == Request(PNG)


class TestText:
    @pytest.mark.parametrize("row", [{"image": TEXT.encode()}, {"data": bytearray(TEXT.encode())}, {"body": TEXT.encode()}])
    def test_base64_for_bytes(self, row):
        """Base64 where the picture itself was expected is understood; text of another kind is left to the decoder."""
        assert parse_request(row) == Request(PNG)
        assert parse_request({"image": b"hello"}) == Request(b"hello")

    def test_broken(self):
        """What begins like the base64 of a picture and is none is told so."""
        assert "'image' is not base64" in refused({"image": b"data:image/png;base64,%%%"}, BadBase64)

    def test_bare_bytes(self):
        """Bare grey bytes stay what they are, whatever letters they spell."""
        bare = TEXT.encode().ljust(16, b"A")

        assert parse_request({"body": bare}, bare_size=16) == Request(bare)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
    def test_json_in_any_unicode(self, encoding):
        """What its content type calls JSON is read as such in any of Unicode's encodings."""
        body = json.dumps({"image": TEXT, "group": "Größe"}, ensure_ascii=False).encode(encoding)

        assert parse_request({"body": body}, content_type=JSON) == Request(PNG, group="Größe")

    @pytest.mark.parametrize("body", [PNG, b'{"image": "\xe9"}', b"image=abc", b"{" * 256])
    def test_no_json(self, body):
        """What its content type calls JSON and is none is refused, even where it has the size of bare bytes."""
        assert "the content type says JSON, but the body is none" in refused({"body": body}, bare_size=256, content_type=JSON)


class TestOptions:
    @pytest.mark.parametrize("name", ["heat_map", "Regions", "GROUP", "threshold", "", "image "])
    @pytest.mark.parametrize("value", [True, None, "x"])
    def test_unknown(self, name, value):
        """An option that is not known is refused, and the known ones are named."""
        known = "known are image, data, group, heatmap, map, mask, overlay, regions"
        expected = f"the request can't be read: unknown option {name!r}; {known}"

        assert refused({"body": {"image": TEXT, name: value}}) == expected
        assert refused({"image": PNG, name: value}) == expected
        assert refused({"body": PNG, name: value}) == expected

    @pytest.mark.parametrize("name", WANTED)
    def test_beside_the_body(self, name):
        """What the query says counts as if the body had said it."""
        expected = Request(PNG, frozenset({name}), "camera-2")

        assert parse_request({"image": PNG}, options=f"{name}=true&group=camera-2") == expected
        assert parse_request({"body": {"image": TEXT}}, options=options_text({name: True, "group": "camera-2"})) == expected
        assert parse_request({"body": PNG, name: b"true", "group": b"camera-2"}) == expected
        assert parse_request({"body": {"image": TEXT, "group": "camera-2"}, name: b"1"}) == expected
        assert parse_request({"body": {"image": TEXT, name: True}, name: b"1", "group": b"camera-2"}) == expected

    @pytest.mark.parametrize(
        ("row", "name"),
        [
            ({"body": {"image": TEXT, "map": True}, "map": b"false"}, "map"),
            ({"body": {"image": TEXT, "group": "a"}, "group": b"b"}, "group"),
        ],
    )  # fmt: skip
    def test_contradiction(self, row, name):
        """What two places say differently is refused, not decided."""
        assert f"'{name}' is said twice, and not the same" in refused(row)

    def test_merged(self):
        """What nobody said is not there; what was said to be unwanted is."""
        said = read_options([("map", b"0"), ("group", "")], [("group", None), ("mask", True)], [("map", False)])

        assert said == {"map": False, "mask": True}
