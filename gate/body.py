"""Body: a request's content as it came in, kept in pieces so that not one byte of it is copied on the way through."""

from __future__ import annotations

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload


class Body(Payload):
    """What is sent on to TorchServe; it can be sent again. aiohttp's own payload of bytes joins them with the header."""

    _autoclose = True  # no file stands behind it

    def __init__(self, chunks: list[bytes]) -> None:
        super().__init__(chunks)
        self._size = sum(map(len, chunks))

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
