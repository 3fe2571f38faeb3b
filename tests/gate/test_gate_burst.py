"""A body that is there before the gate gets round to looking at it."""

import asyncio

from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from snag.gate.proxy.admission import Admission
from snag.gate.proxy.body import read_body

EARLY, LATE = bytes(5_000_000), bytes(3_000_000)


class Connection:
    """A client that has sent much at once: the rest comes when the connection, paused by then, goes on."""

    def __init__(self) -> None:
        self._reading_paused = False
        self.reader: StreamReader

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self, resume_parser: bool = True) -> None:
        self._reading_paused = False
        if not self.reader.is_eof():
            self.reader.feed_data(LATE)
            self.reader.feed_eof()


def test_a_burst_arrives_whole() -> None:
    """What came before the handler ran may have paused the connection; the body is read to its end all the same."""

    async def arrive() -> int | None:
        connection = Connection()
        connection.reader = StreamReader(connection, 2**16, loop=asyncio.get_running_loop())
        connection.reader.feed_data(EARLY)
        assert connection._reading_paused
        length = {"Content-Length": str(len(EARLY + LATE))}
        request = make_mocked_request("POST", "/predictions/bolt", headers=length, payload=connection.reader)
        with Admission(1, 10**8).enter() as place:
            return (await read_body(request, place, 10**8, 1.0)).size

    assert asyncio.run(arrive()) == len(EARLY + LATE)
