"""A line between reader and web on which every third request goes wrong, by a seeded chance.

    with Chaos(stack.port) as chaos:
        chaos.follow(job_id, seed)      # this job's requests go wrong by that seed
        httpx.get(f"{chaos.url}/api/jobs/{job_id}")
        chaos.done                      # how often each of FAULTS was done

The web itself is untouched: it sees requests come twice, or go away while it answers.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

# Longer than any reader waits; a connection that outlives it is answered after all.
PATIENCE_SECONDS = 5.0
UNAVAILABLE = (
    b'{"type":"about:blank","code":"database_unavailable","status":503,'
    b'"title":"Busy","detail":"In a moment.","request_id":"of-the-line"}'
)
BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head></html>\r\n"


class Broken(Exception):
    """The connection to the reader is to be aborted now."""


class Chaos:
    """One listening port in front of a web; a thread of its own."""

    def __init__(self, port: int, *, trouble: float = 0.35) -> None:
        self.done: Counter[str] = Counter()
        self._web = port
        self._trouble = trouble
        self._chances: dict[str, random.Random] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos", daemon=True)
        self._server: asyncio.Server | None = None
        # asyncio itself holds its tasks weakly: without this set some would be collected
        self._serving: set[asyncio.Task[None]] = set()
        self.url = ""

    def follow(self, job_id: str, seed: str) -> None:
        """From now on what happens to this job's requests depends on `seed` alone."""
        self._chances[job_id] = random.Random(seed)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        line = Line(reader, writer, self._web)
        try:
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                chance = self._chance_of(request)
                if chance.random() < self._trouble:
                    name = chance.choices(list(FAULTS), WEIGHTS)[0]
                    self.done[name] += 1
                    await FAULTS[name](line, request, chance)
                else:
                    await line.say(await line.ask(request))
        except (Broken, OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # cancelled: the whole line ends
        finally:
            writer.transport.abort()

    def _chance_of(self, request: bytes) -> random.Random:
        path = request.split(b" ", 2)[1].decode()
        job_id = path.partition("?")[0].rpartition("/")[2]
        return self._chances[job_id]


class Line:
    """One reader's connection, and the web behind it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._port = port

    async def ask(self, request: bytes) -> bytes:
        """The web's whole answer, on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            head, _, rest = request.partition(b"\r\n")
            writer.write(head + b"\r\n" + _without_connection(rest, False))
            answer = await reader.read(-1)
        finally:
            writer.transport.abort()
        if not answer:
            raise Broken
        head, _, body = answer.partition(b"\r\n\r\n")
        return _without_connection(head + b"\r\n\r\n", True) + body

    async def say(self, answer: bytes) -> None:
        """Passes on an answer, or what there is of one."""
        self._writer.write(answer)
        await self._writer.drain()

    async def say_part(self, answer: bytes, until: int) -> None:
        """Passes on so many bytes and breaks the connection, late enough for them to arrive."""
        await self.say(answer[:until])
        self._writer.write_eof()
        await self.outlast(0.05)
        raise Broken

    async def outlast(self, seconds: float) -> bool:
        """Waits until the reader gives up or the time is over; whether it gave up."""
        try:
            return not await asyncio.wait_for(self._reader.read(1), seconds)
        except TimeoutError:
            return False


def _without_connection(head: bytes, keep_alive: bool) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    said = b"Connection: keep-alive" if keep_alive else b"Connection: close"
    return b"\r\n".join([*lines[:-2], said, b"", b""])


async def _never_arrives(line: Line, request: bytes, chance: random.Random) -> None:
    raise Broken


async def _answer_is_lost(line: Line, request: bytes, chance: random.Random) -> None:
    await line.ask(request)
    raise Broken


async def _cut_in_the_head(line: Line, request: bytes, chance: random.Random) -> None:
    answer = await line.ask(request)
    await line.say_part(answer, chance.randrange(1, answer.index(b"\r\n\r\n") + 4))


async def _cut_in_the_body(line: Line, request: bytes, chance: random.Random) -> None:
    answer = await line.ask(request)
    body = answer.index(b"\r\n\r\n") + 4
    await line.say_part(answer, chance.randrange(body, max(body + 1, len(answer))))


async def _unavailable(line: Line, request: bytes, chance: random.Random) -> None:
    if chance.random() < 0.5:  # the web may have answered all the same
        await line.ask(request)
    await line.say(
        b"HTTP/1.1 503 SERVICE UNAVAILABLE\r\nContent-Type: application/problem+json\r\n"
        b"Retry-After: %d\r\nContent-Length: %d\r\n\r\n"
        % (chance.randint(0, 2), len(UNAVAILABLE))
        + UNAVAILABLE
    )


async def _bad_gateway(line: Line, request: bytes, chance: random.Random) -> None:
    await line.say(
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
        % len(BAD_GATEWAY)
        + BAD_GATEWAY
    )


async def _anothers_page(line: Line, request: bytes, chance: random.Random) -> None:
    page = chance.choice((b"", b"<html><title>Sign in to the Wi-Fi</title></html>"))
    await line.say(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page)
        + page
    )


async def _twice_the_first(line: Line, request: bytes, chance: random.Random) -> None:
    first = await line.ask(request)
    await asyncio.sleep(chance.uniform(0, 0.1))
    await line.ask(request)
    await line.say(first)


async def _twice_the_second(line: Line, request: bytes, chance: random.Random) -> None:
    await line.ask(request)
    await asyncio.sleep(chance.uniform(0, 0.1))
    await line.say(await line.ask(request))


async def _twice_at_once(line: Line, request: bytes, chance: random.Random) -> None:
    answers = await asyncio.gather(line.ask(request), line.ask(request))
    await line.say(chance.choice(answers))


async def _late(line: Line, request: bytes, chance: random.Random) -> None:
    answer = await line.ask(request)
    await asyncio.sleep(chance.uniform(0.02, 0.2))
    await line.say(answer)


async def _too_late(line: Line, request: bytes, chance: random.Random) -> None:
    answer = await line.ask(request)
    if await line.outlast(PATIENCE_SECONDS):
        raise Broken
    await line.say(answer)


async def _closed_after(line: Line, request: bytes, chance: random.Random) -> None:
    answer = await line.ask(request)
    # unannounced, so that the reader may be sending its next request on this connection
    await line.say(answer)
    await line.outlast(chance.uniform(0, 0.1))
    raise Broken


Fault = Callable[[Line, bytes, random.Random], Awaitable[None]]
FAULTS: dict[str, Fault] = {
    "the request never arrives": _never_arrives,
    "the answer is lost": _answer_is_lost,
    "cut in the head": _cut_in_the_head,
    "cut in the body": _cut_in_the_body,
    "503 with Retry-After": _unavailable,
    "502 by another server": _bad_gateway,
    "another's page, with 200": _anothers_page,
    "delivered twice, the first answer given": _twice_the_first,
    "delivered twice, the second answer given": _twice_the_second,
    "delivered twice at once": _twice_at_once,
    "late": _late,
    "too late": _too_late,
    "closed after the answer": _closed_after,
}
# a reader waits long for what comes too late
WEIGHTS = [2 if name == "too late" else 4 for name in FAULTS]
