"""What the gate makes of a request before any worker sees it: one picture, known options, no contradiction."""

import json
from contextlib import suppress

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snag.core.errors import BadRequest
from snag.gate.proxy.multipart import fields
from snag.gate.proxy.question import content_type_for_torchserve
from tests.support.torchserve import VERDICT, house, run

PREDICT = "/predictions/bolt"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PLAIN = 'Content-Disposition: form-data; name="image"; filename="a.png"'


def form(*parts, boundary="cut", end="--cut--\r\n"):
    """Body and header of a form of parts: header lines and content."""
    body = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary.encode(), head.encode(), content) for head, content in parts)
    return {"data": body + end.encode(), "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}


def named(**values):
    return form(*((f'Content-Disposition: form-data; name="{name}"', value) for name, value in values.items()))


class TestOnePicture:
    @pytest.mark.parametrize(
        "sent",
        [
            form((PLAIN, PNG), (PLAIN, PNG)),
            form((PLAIN, PNG), (PLAIN.replace("image", "data"), PNG)),
            form((PLAIN, PNG), (PLAIN, b"")),
            form((PLAIN, b""), (PLAIN.replace("image", "data"), PNG)),
            form((PLAIN + "\r\nContent-Type: multipart/mixed; boundary=in", b"--in\r\n\r\n" + PNG + b"\r\n--in--")),
            {"data": PNG, "headers": {"Content-Type": "multipart/related; boundary=cut"}},
            {"data": PNG, "headers": {"Content-Type": "multipart/mixed; boundary=cut"}},
        ],
    )
    @run
    async def test_several(self, tmp_path, sent):
        """Two pictures in one request are refused, and neither is judged."""
        async with house(tmp_path) as one:
            status, said, _ = await one.ask(PREDICT, **sent)

            assert (status, said["error"]["code"]) == (400, "bad_request")
            assert "expected" in said["error"]["message"]
            assert "one picture" in said["error"]["message"]
            assert one.torchserve.asked == []

    @pytest.mark.parametrize("names", [("file1", "file2"), ("Image",), ("picture",), ("heatmap",)])
    @run
    async def test_none(self, tmp_path, names):
        """Pictures under other names are none, and the names that were sent are told."""
        async with house(tmp_path) as one:
            status, said, _ = await one.ask(PREDICT, **named(**dict.fromkeys(names, PNG)))

            assert (status, said["error"]["code"]) == (400, "missing_picture")
            assert f"its fields are {', '.join(map(repr, names))}; expected" in said["error"]["message"]
            assert one.torchserve.asked == []

    @run
    async def test_piece(self, tmp_path):
        """A piece of a picture is no picture."""
        async with house(tmp_path) as one:
            assert await one.code(headers={"Content-Range": "bytes 5-9/10"}, method="PUT") == (400, "bad_request")
            assert one.torchserve.asked == []


class TestForms:
    @run
    async def test_picture_alone(self, tmp_path):
        """Out of a form the picture alone goes on, byte for byte, and what else it said goes into a header."""
        said = aiohttp.FormData()
        for name, value in (("heatmap", "true"), ("mask", "0"), ("group", "Größe 2")):
            said.add_field(name, value)
        said.add_field("image", PNG, filename="größe.png", content_type="image/png")
        async with house(tmp_path) as one:
            assert (await one.ask(PREDICT, data=said))[:2] == (200, VERDICT)

            path, headers, body = one.torchserve.asked[0]

        assert (headers["content-type"], body) == ("application/octet-stream", PNG)
        assert (path, headers["snag-options"]) == (PREDICT, "heatmap=true&mask=false&group=Gr%C3%B6%C3%9Fe+2")

    @pytest.mark.parametrize("text", ["iVBORw0KGgo=", " iVBORw0KGgo\r\n", "data:image/png;base64,iVBORw0KGgo="])
    @run
    async def test_base64(self, tmp_path, text):
        """A text field of a form may hold the picture as base64."""
        async with house(tmp_path) as one:
            await one.ask(PREDICT, **named(image=text.encode()))

            assert one.torchserve.asked[0][2] == b"\x89PNG\r\n\x1a\n"

    @pytest.mark.parametrize(
        "sent",
        [
            {"data": PNG, "headers": {"Content-Type": "multipart/form-data"}},
            {"data": PNG, "headers": {"Content-Type": "multipart/form-data; boundary="}},
            {"data": PNG, "headers": {"Content-Type": "multipart/form-data; boundary=ü"}},
            form((PLAIN, PNG), boundary="cut", end=""),
            form((PLAIN, PNG), boundary="cut", end="--cu"),
            form((PLAIN, PNG), boundary="other"),
            form(("Content-Disposition: form-data", PNG)),
            form((PLAIN + "; name*=UTF-8''image", PNG), ("X: y", PNG)),
            form((PLAIN + "\r\nContent-Transfer-Encoding: base64", b"iVBORw0KGgo=")),
            form((PLAIN + "\r\nX: " + "y" * 9000, PNG)),
            form(*[('Content-Disposition: form-data; name="heatmap"', b"1")] * 100_000),
        ],
    )  # fmt: skip
    @run
    async def test_broken(self, tmp_path, sent):
        """A form that is broken, cut off or out of all proportion is told so; no worker is bothered."""
        async with house(tmp_path) as one:
            assert await one.code(**sent) == (400, "bad_request")
            assert one.torchserve.asked == []

    @given(content=st.binary(max_size=300), other=st.binary(max_size=30))
    def test_byte_for_byte(self, content, other):
        """Fields come back as they were, whatever bytes they hold, as long as no line of them is the boundary."""
        sent = form((PLAIN, content), ("content-disposition:form-data;name=x", other), (PLAIN, b""))

        found = fields('multipart/form-data; boundary="cut"', b"before\r\n" + sent["data"] + b"after")

        assert found == [("image", content), ("x", other), ("image", b"")]

    def test_boundary_within_a_line(self):
        """What only begins like the boundary is content."""
        content = b"\r\n--cutter\r\n--cut-\r\n --cut--"

        assert fields("multipart/form-data; boundary=cut", form((PLAIN, content))["data"]) == [("image", content)]

    @given(body=st.binary(max_size=200), boundary=st.text(max_size=20))
    def test_anything(self, body, boundary):
        """Whatever comes is fields, or a broken form."""
        with suppress(BadRequest):
            assert isinstance(fields(f"multipart/form-data; boundary={boundary}", body), list)


class TestOptions:
    @pytest.mark.parametrize(
        ("query", "headers", "passed"),
        [
            ("", {}, None),
            ("?", {}, None),
            ("?heatmap=true&regions=0", {}, "heatmap=true&regions=false"),
            ("?group=camera%202", {}, "group=camera+2"),
            ("?group=Gr%C3%B6%C3%9Fe", {}, "group=Gr%C3%B6%C3%9Fe"),
            ("?mask=1", {"Snag-Group": "camera-2"}, "mask=true&group=camera-2"),
            ("?group=camera-2", {"SNAG-GROUP": "camera-2"}, "group=camera-2"),
            ("?mask=1&mask=True", {}, "mask=true"),
        ],
    )
    @run
    async def test_taken(self, tmp_path, query, headers, passed):
        """What a request asks for may stand in its address or, the group, in a header."""
        async with house(tmp_path) as one:
            status, _, _ = await one.ask(PREDICT + query, headers=headers)
            path, received, _ = one.torchserve.asked[0]

        assert (status, path, received.get("snag-options")) == (200, PREDICT, passed)

    @pytest.mark.parametrize(
        ("query", "headers", "sentence"),
        [
            ("?heat_map=true", {}, "unknown option 'heat_map'; known are image, data, group, heatmap, map, mask, overlay, reg"),
            ("?Heatmap=true", {}, "unknown option 'Heatmap'; known are"),
            ("?customized=true", {}, "unknown option 'customized'"),
            ("?heatmap", {}, "'heatmap' has no value in the query; expected for example ?heatmap=true"),
            ("?group=", {}, "'group' has no value"),
            ("?heatmap=perhaps", {}, "'heatmap' is neither true nor false"),
            ("?group=pooled", {}, "'group' is no name"),
            ("?group=%ff", {}, "the query can't be read; expected names and values in UTF-8"),
            ("?image=a.png", {}, "'image' stands beside another picture; expected one picture in each request"),
            ("?mask=1&mask=0", {}, "'mask' is said twice, and not the same"),
            ("?group=a", {"Snag-Group": "b"}, "'group' is said twice, and not the same"),
            ("", {"Snag-Heatmap": "true"}, "unknown header 'Snag-Heatmap'; known is Snag-Group"),
            ("", {"Snag-Options": "map=1"}, "unknown header 'Snag-Options'; known is Snag-Group"),
        ],
    )
    @run
    async def test_refused(self, tmp_path, query, headers, sentence):
        """What is unknown, unclear or contradicts itself is refused in a sentence, not passed over."""
        async with house(tmp_path) as one:
            status, said, _ = await one.ask(PREDICT + query, headers=headers)

            assert (status, said["error"]["code"]) == (400, "bad_request")
            assert sentence in said["error"]["message"]
            assert one.torchserve.asked == []

    @run
    async def test_form_and_query(self, tmp_path):
        """A form and the address it is sent to may not contradict each other."""
        async with house(tmp_path) as one:
            for query, expected in (("?mask=1", 200), ("?mask=0", 400), ("?map=1", 200)):
                status, _, _ = await one.ask(PREDICT + query, **named(image=PNG, mask=b"true"))
                assert status == expected
            asked = [headers["snag-options"] for _, headers, _ in one.torchserve.asked]

        assert asked == ["mask=true", "mask=true&map=true"]


class TestContentTypes:
    @pytest.mark.parametrize(
        ("sent", "passed"),
        [
            ("application/x-www-form-urlencoded", "application/octet-stream"),
            ("", "application/octet-stream"),
            ("text/plain", "application/octet-stream"),
            ("application/json", "application/vnd.snag+json"),
            ("application/problem+json", "application/vnd.snag+json"),
            ("image/png", "image/png"),
        ],
    )
    def test_passed_on(self, sent, passed):
        """TorchServe gets only types under which it hands on the bytes as they are."""
        assert content_type_for_torchserve(sent) == passed

    @run
    async def test_as_sent(self, tmp_path):
        """Parameters and capitals of a type do not matter."""
        body = json.dumps({"image": "iVBORw0K"}).encode()
        async with house(tmp_path) as one:
            for kind in ("Application/JSON; charset=utf-8", "IMAGE/PNG; x=y"):
                await one.ask(PREDICT, data=body, headers={"Content-Type": kind})
            passed = [(headers["content-type"], content) for _, headers, content in one.torchserve.asked]

        assert passed == [("application/vnd.snag+json", body), ("image/png", body)]

    @given(st.text(max_size=200))
    def test_any(self, sent):
        """Whatever a client says, a header can be made of what is passed on."""
        assert content_type_for_torchserve(sent).isascii()
