"""A TCP proxy between any two parts, which cuts, delays or swallows what goes through it.

with Proxy(("127.0.0.1", 6379)) as proxy:      # or a Unix socket's path
    proxy.port                                 # where to connect instead
    proxy.cut()                                # aborts what is open; new connections still pass
    with proxy.blackhole(): …                  # takes everything, passes nothing, closes nothing
    with proxy.delayed(0.3): …                 # each piece arrives so much later
    with proxy.refusing(): …                   # aborts what is open and every new connection
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

Target = tuple[str, int] | str
PIECE = 64 * 1024


class Proxy:
    """One listening port in front of one target; a thread of its own. All from any thread."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._lost: set[asyncio.StreamWriter] = set()
        self._swallows = False
        self._refuses = False
        self._delay = 0.0
        self._server: asyncio.Server | None = None
        self.port = 0

    def start(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def stop(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self) -> None:
        """Aborts every open connection, on both sides."""
        self._run(self._abort_all())

    @contextmanager
    def blackhole(self) -> Iterator[None]:
        """Nothing passes any more, and nobody is told, as when a firewall forgets its connections:
        those that were open, or opened meanwhile, stay silent for ever; later ones pass."""
        self._swallows = True
        self._lost |= self._open
        yield
        self._swallows = False

    @contextmanager
    def delayed(self, seconds: float) -> Iterator[None]:
        """Every piece arrives that much later."""
        self._delay = seconds
        yield
        self._delay = 0.0

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """As if the part behind had stopped: open connections end, new ones are aborted."""
        self._refuses = True
        self.cut()
        yield
        self._refuses = False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, coroutine: object) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=PIECE, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._abort_all()
        me = asyncio.current_task()
        serving = [task for task in asyncio.all_tasks() if task is not me]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _abort_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        if self._refuses:
            writer.transport.abort()
            self._open.discard(writer)
            return
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(far_writer)
        try:
            await asyncio.gather(
                self._pass(reader, far_writer),
                self._pass(far_reader, writer),
                return_exceptions=True,
            )
        except asyncio.CancelledError:  # the proxy stops; asyncio would log it for each
            pass
        finally:
            for end in (writer, far_writer):
                self._open.discard(end)
                self._lost.discard(end)
                end.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target, limit=PIECE)
        return await asyncio.open_connection(*self._target, limit=PIECE)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(PIECE):
            if self._delay:
                await asyncio.sleep(self._delay)
            if self._swallows:
                self._lost.add(writer)
            if writer not in self._lost:
                writer.write(data)
                await writer.drain()
        # one side has ended: the other learns it, unless nobody is to learn anything
        if writer not in self._lost:
            writer.write_eof()
