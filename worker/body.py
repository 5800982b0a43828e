"""The bytes of a model's answer as they come, and nothing else of it.

Its head, and what was sent, would be held for as long as it speaks.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import cast

import aiohttp
import httpx2

# A server that holds its answer open after the last word must not hold the reply back.
READ_OUT_SECONDS = 0.1


class Body:
    """The rest of a response whose head has been read: `pieces` as they come, until `aclose`."""

    def __init__(self, response: httpx2.Response) -> None:
        self._stream = cast(httpx2.AsyncByteStream, response.stream)
        self._answer = _answer_of(response)
        if self._answer is not None:
            # what was sent, which only errors of aiohttp's that we don't ask for would name
            self._answer._request_info = None  # type: ignore[assignment]
        self.pieces = _pieces(response)

    async def rest(self, seconds: float) -> None:
        """Leaves what comes to the kernel for so long: one read will bring it all, instead of one
        for each word."""
        # aiohttp gives it back as soon as it has seen the end, maybe before we have read that
        held = self._answer.connection if self._answer is not None else None
        connection = held.transport if held is not None else None
        if connection is None or connection.is_closing():
            await asyncio.sleep(seconds)
            return
        connection.pause_reading()
        try:
            await asyncio.sleep(seconds)
        finally:
            if not connection.is_closing():
                connection.resume_reading()

    async def read_out(self) -> None:
        """Reads the end of it, which comes with the last word or right after: only then can the
        connection be used for another call."""
        with suppress(TimeoutError, httpx2.HTTPError, aiohttp.ClientError):
            async with asyncio.timeout(READ_OUT_SECONDS):
                async for _ in self.pieces:
                    pass

    async def aclose(self) -> None:
        """Gives the connection back if all was read, and closes it otherwise."""
        try:
            await self.pieces.aclose()
        finally:
            await self._stream.aclose()


def _pieces(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    """The pieces of a body as they come, unpacked if it is packed although we asked for none.

    What isn't packed is taken at its source: on the way through the response each piece would pass
    two more generators.
    """
    stream = response.stream
    if "content-encoding" in response.headers or not isinstance(stream, httpx2.AsyncByteStream):
        return response.aiter_bytes()
    return cast(AsyncGenerator[bytes, None], aiter(stream))


def _answer_of(response: httpx2.Response) -> aiohttp.ClientResponse | None:
    """aiohttp's own, which knows its connection. By two private names, of httpx2 and of the SDK's
    way to aiohttp: both let nobody through."""
    source = getattr(response.stream, "_stream", None)
    answer = getattr(source, "_aiohttp_response", None)
    return answer if isinstance(answer, aiohttp.ClientResponse) else None
