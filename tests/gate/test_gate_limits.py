"""What the gate does with requests that are too many, too large, too slow, or no HTTP at all."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snag.core.errors import Overloaded
from snag.gate.proxy.admission import Admission
from tests.support.torchserve import GOOD, after, has_been_asked, house, read_all, run, says, until

PREDICT = "/predictions/bolt"
HEAD = b"POST /predictions/bolt HTTP/1.1\r\nHost: a\r\n"


def error_of(said: bytes) -> tuple[int, str, dict[str, str]]:
    """Status, code and headers of a whole raw answer, the last one where there are several."""
    head, _, body = said.partition(b"\r\n\r\n")
    while body.startswith(b"HTTP/"):
        head, _, body = body.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return int(status.split()[1]), json.loads(body)["error"]["code"], dict(field.split(": ", 1) for field in fields)


class TestNumber:
    @run
    async def test_in_flight(self, tmp_path):
        """More requests than may be under way are refused at once, and told when to come again; then there is room again."""
        async with house(tmp_path, max_in_flight=2) as one:
            gone = asyncio.Event()
            one.torchserve.script = [after(gone, GOOD)] * 2
            two = [asyncio.create_task(one.ask(PREDICT)) for _ in range(2)]
            await until(lambda: are_asked(one, 2))

            status, said, headers = await one.ask(PREDICT)
            gone.set()

            assert (status, said["error"]["code"], headers["Retry-After"]) == (503, "overloaded", "1")
            assert [status for status, _, _ in await asyncio.gather(*two)] == [200, 200]
            assert (await one.ask(PREDICT))[0] == 200

    @run
    async def test_memory(self, tmp_path):
        """Bodies that would together fill more than the memory set aside are refused before they arrive, in chunks or not."""
        async with house(tmp_path, max_buffered_bytes=1000) as one:
            gone = asyncio.Event()
            one.torchserve.script = [after(gone, GOOD)]
            first = asyncio.create_task(one.ask(PREDICT, data=b"x" * 800))
            await until(lambda: has_been_asked(one))

            announced = error_of(await one.talk(HEAD + b"Content-Length: 300\r\n\r\n"))
            chunked = error_of(await one.talk(HEAD + b"Transfer-Encoding: chunked\r\n\r\n12c\r\n" + b"x" * 300 + b"\r\n"))
            small = await one.ask(PREDICT, data=b"x" * 200)
            gone.set()

            assert [announced[:2], chunked[:2]] == [(503, "overloaded")] * 2
            assert [small[0], (await first)[0]] == [200, 200]
            assert (await one.ask(PREDICT, data=b"x" * 1000))[0] == 200

    @run
    async def test_connections(self, tmp_path):
        """A client beyond the most connections is told so, and the next one gets in when another has left."""
        async with house(tmp_path, max_connections=2) as one:
            await one.client.close()
            idle = [await asyncio.open_connection("127.0.0.1", one.settings.inference[1]) for _ in range(2)]
            await asyncio.sleep(0.1)

            status, code, headers = error_of(await one.talk(b""))

            assert (status, code, headers["Connection"]) == (503, "overloaded", "close")
            for _, writer in idle:
                writer.close()
                await writer.wait_closed()
            await asyncio.sleep(0.1)
            assert (await one.talk(b"GET /health/live HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.0 200")

    @given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=40))
    @settings(max_examples=50)
    def test_accounts(self, steps):
        """Whoever comes and goes, never more are in than allowed, and all is given back in the end."""
        admission, places = Admission(3, 100), []
        for enters, size in steps:
            if not enters and places:
                places.pop().__exit__(None, None, None)
                continue
            try:
                place = admission.enter()
            except Overloaded:
                assert len(places) == 3
                continue
            places.append(place)
            try:
                place.hold(size)
            except Overloaded:
                assert admission._bytes + size > 100
            assert admission._bytes <= 100
        for place in places:
            place.__exit__(None, None, None)

        assert (admission.in_flight, admission._bytes) == (0, 0)


class TestBody:
    @pytest.mark.parametrize(
        "head",
        [b"Content-Length: 1001\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n"],
    )
    @run
    async def test_too_large(self, tmp_path, head):
        """A body over the limit is refused as soon as that is known, and the connection ends: nobody waits for the rest."""
        async with house(tmp_path, max_request_bytes=1000) as one:
            status, code, headers = error_of(await one.talk(HEAD + head))

            assert (status, code, headers["Connection"]) == (413, "request_too_large", "close")
            assert one.torchserve.asked == []

    @run
    async def test_largest(self, tmp_path):
        """A body of exactly the limit is taken."""
        async with house(tmp_path, max_request_bytes=1000) as one:
            assert (await one.ask(PREDICT, data=b"x" * 1000))[0] == 200

    @pytest.mark.parametrize("head", [b"Content-Length: 10\r\n\r\nxx", b"Transfer-Encoding: chunked\r\n\r\n5\r\nxx"])
    @run
    async def test_slow(self, tmp_path, head):
        """A body that does not arrive, as when a length was a lie, gives its place back after a while."""
        async with house(tmp_path, body_seconds=0.2) as one:
            reader, writer = await asyncio.open_connection("127.0.0.1", one.settings.inference[1])
            writer.write(HEAD + head)

            said = await reader.readuntil(b"}}")

            assert error_of(said)[:2] == (408, "slow_request")
            assert await one.gate.drain(0) == 0
            writer.close()
            await writer.wait_closed()

    @run
    async def test_unread(self, tmp_path):
        """A client that does not take its answer is hung up on, and its place is free again."""
        async with house(tmp_path, body_seconds=0.5) as one:
            one.torchserve.script = [says(200, body=b"x" * 30_000_000)]
            with one.connect() as silent:
                silent.sendall(HEAD + b"Content-Length: 1\r\n\r\nx")
                await until(lambda: holds(one, 1))

                await until(lambda: holds(one, 0))

                assert len(await asyncio.to_thread(read_all, silent)) < 30_000_000

    @run
    async def test_slow_header(self, tmp_path):
        """A client that never finishes its header is hung up on."""
        async with house(tmp_path, keepalive_seconds=0.2) as one:
            assert await one.talk(HEAD) == b""

    @pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP, gzip"])
    @run
    async def test_encoded(self, tmp_path, encoding):
        """Compressed bodies are refused without a look inside: no bomb goes off."""
        async with house(tmp_path) as one:
            assert await one.code(headers={"Content-Encoding": encoding}) == (415, "unsupported_content")

    @run
    async def test_continue(self, tmp_path):
        """A client that asks first is told to go on, or, where it would be in vain, why not."""
        async with house(tmp_path, max_request_bytes=10) as one:
            reader, writer = await asyncio.open_connection("127.0.0.1", one.settings.inference[1])
            writer.write(HEAD + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 7\r\n\r\n")
            told = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"picture")
            said = await reader.read()
            writer.close()
            await writer.wait_closed()
            refused = await one.talk(HEAD + b"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n")

            assert (told, said.startswith(b"HTTP/1.1 200 ")) == (b"HTTP/1.1 100 Continue\r\n\r\n", True)
            assert one.torchserve.asked[0][2] == b"picture"
            assert error_of(refused)[:2] == (413, "request_too_large")

    @run
    async def test_client_hangs_up(self, tmp_path):
        """A client that leaves half way is noted, and its place is free again."""
        async with house(tmp_path) as one:
            _, writer = await asyncio.open_connection("127.0.0.1", one.settings.inference[1])
            writer.write(HEAD + b"Content-Length: 10\r\n\r\nxx")
            await until(lambda: holds(one, 1))
            writer.close()
            await writer.wait_closed()

            await until(lambda: holds(one, 0))

        assert [line["status"] for line in one.lines()] == [499]


class TestGarbage:
    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"hello\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            HEAD + b"Content-Length: ten\r\n\r\n",
            HEAD + b"Content-Length: -1\r\n\r\n",
            HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
            HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            HEAD + b"X: " + b"x" * 20_000 + b"\r\n\r\n",
            HEAD + b"X: y\r\n" * 200 + b"\r\n",
            b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
            HEAD + b"bad header\r\n\r\n",
            HEAD + b"X: a\x00b\r\n\r\n",
        ],
    )
    @pytest.mark.parametrize("port", ["inference", "management", "metrics"])
    @run
    async def test_refused(self, tmp_path, sent, port):
        """What is no HTTP is answered in the one shape of errors, and the connection ends."""
        async with house(tmp_path) as one:
            status, code, _ = error_of(await one.talk(sent, port))

            assert (status, code) == (400, "bad_request")
            assert one.torchserve.asked == []

    @run
    async def test_chunks_that_break_off(self, tmp_path):
        """A chunk without its length in the middle of a body is the client's fault."""
        async with house(tmp_path) as one:
            said = await one.talk(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nxx\r\nzz\r\n")

            assert error_of(said)[:2] == (400, "bad_request")

    @pytest.mark.parametrize(
        "sent",
        [
            HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\nx",
            b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ],
    )
    @run
    async def test_other_protocols(self, tmp_path, sent):
        """Nobody is taken along to another protocol, and nothing breaks over it."""
        async with house(tmp_path, keepalive_seconds=0.3) as one:
            said = await one.talk(sent)

            assert said.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 4", b"HTTP/1.0 4"))
            assert (await one.ask(PREDICT))[0] == 200

    @given(data=st.binary(max_size=300))
    @settings(max_examples=30)
    def test_any_bytes(self, tmp_path_factory, data):
        """Whatever bytes come in, the gate lives, and no answer is a fault of its own."""

        @run
        async def send():
            async with house(tmp_path_factory.mktemp("gate"), keepalive_seconds=0.05, body_seconds=0.05) as one:
                said = await one.talk(data)
                assert b" 500 " not in said[:15]
                assert (await one.ask("/health/live", "GET", None))[0] == 200

        send()


async def are_asked(one, count):
    """Whether so many requests have reached TorchServe."""
    return len(one.torchserve.asked) == count


async def holds(one, count):
    """Whether so many requests are under way."""
    return f"snag_http_in_flight {count}.0" in (await one.ask("/metrics", "GET", None, "metrics"))[1]
