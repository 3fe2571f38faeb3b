"""Body: a request's content as it came in, kept in pieces so that not one byte of it is copied on the way through."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from snag.core.errors import BadRequest, RequestTooLarge, SlowRequest, UnsupportedContent
from snag.gate.proxy.admission import Place

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Body(Payload):
    """What is sent on to TorchServe; it can be sent again. aiohttp's own payload of bytes joins them with the header."""

    _autoclose = True  # no file stands behind it

    def __init__(self, chunks: list[bytes]) -> None:
        super().__init__(chunks)
        self._size = sum(map(len, chunks))

    @property
    def chunks(self) -> list[bytes]:
        """The content, in pieces as they came."""
        return list(self._value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The content as text: nobody needs it, the base class asks for it."""
        return b"".join(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send the pieces, each when the one before has gone far enough."""
        writer.send_headers()
        for chunk in self._value:
            await writer.write(chunk)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """The same: the length that is announced is the body's own."""
        await self.write(writer)


async def read_body(request: web.BaseRequest, place: Place, limit: int, seconds: float) -> Body:
    """The whole content of a request, in memory that `place` sets aside before it arrives.

    Raises UnsupportedContent, RequestTooLarge, SlowRequest, BadRequest, Overloaded; ConnectionError when the client is gone.
    """
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise UnsupportedContent(encoding=encoding)
    length = request.content_length
    if length is not None and length > limit:
        raise RequestTooLarge(limit=limit)
    place.hold(length or 0)
    if request.headers.get("Expect", "").lower() == "100-continue" and not request.content.total_bytes:
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0  # the answer itself has not begun
    try:
        async with asyncio.timeout(seconds):
            return Body(
                await (_read_unannounced(request, place, limit) if length is None else _read_announced(request, length))
            )
    except TimeoutError:
        raise SlowRequest(seconds=seconds) from None
    except web.RequestPayloadError:
        raise BadRequest(detail="its body does not follow HTTP's rules") from None


async def _read_announced(request: web.BaseRequest, length: int) -> list[bytes]:
    """A body of known length wakes us once, when all of it is there."""
    content = request.content
    if not request.can_read_body:
        return []
    if (error := content.exception()) is not None:
        raise error
    content.set_read_chunk_size(length)
    chunks = [await content.readany()]  # what was here before us may have paused the connection; to take it lets it go on
    await content.wait_eof()
    while not content.at_eof():
        chunks.append((await content.readchunk())[0])
    return chunks


async def _read_unannounced(request: web.BaseRequest, place: Place, limit: int) -> list[bytes]:
    chunks, size = [], 0
    while chunk := await request.content.readany():
        size += len(chunk)
        if size > limit:
            raise RequestTooLarge(limit=limit)
        place.hold(len(chunk))
        chunks.append(chunk)
    return chunks
