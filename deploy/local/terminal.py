"""What the person at the terminal sees: our own sentences and the children's lines, prefixed.

Nobody waits for the terminal: while it takes nothing (Ctrl-S, a stopped pager) lines are dropped
and counted, or a full pipe would stand the children still.
"""

import os
import queue
import sys
import threading
import time
from typing import IO

from deploy.local.messages import text

COLOURS = (36, 33, 35, 32, 34, 31)
WAITING_LINES = 5000


class Terminal:
    """One writer for everything; `say` and `follow` may be called from any thread."""

    def __init__(self, stream: IO[str] | None = None, names: tuple[str, ...] = ()) -> None:
        self._stream = stream or sys.stdout
        self._width = max((len(name) for name in names), default=0)
        self._coloured = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._colour_of: dict[str, int] = {}
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self._readers: dict[str, threading.Thread] = {}
        self._dropped = 0
        self._last_said = time.monotonic()
        self._writer = threading.Thread(target=self._write, name="terminal", daemon=True)
        self._writer.start()

    def say(self, sentence: str) -> None:
        """A sentence of the launcher's own."""
        self._put(f"\033[1m{sentence}\033[0m" if self._coloured and sentence else sentence)

    def follow(self, name: str, stream: IO[bytes]) -> None:
        """Show every line of `stream` under `name`, until it ends."""
        reader = threading.Thread(target=self._read, args=(name, stream), daemon=True)
        self._readers[name] = reader
        reader.start()

    def finish(self, name: str) -> None:
        """Wait, for a moment at most, for the last lines of a child that has ended."""
        if name in self._readers:
            self._readers[name].join(1)

    def seconds_of_silence(self) -> float:
        """How long ago the last line was said."""
        return time.monotonic() - self._last_said

    def close(self) -> None:
        """Write what still waits, for a moment at most."""
        try:
            self._lines.put(None, timeout=1)
        except queue.Full:
            return
        self._writer.join(2)

    def _read(self, name: str, stream: IO[bytes]) -> None:
        prefix = self._prefix(name)
        with stream:
            for line in stream:
                self._put(prefix + line.decode("utf-8", "replace").rstrip())

    def _prefix(self, name: str) -> str:
        padded = name.ljust(self._width)
        if not self._coloured:
            return f"{padded} | "
        colour = self._colour_of.setdefault(name, COLOURS[len(self._colour_of) % len(COLOURS)])
        return f"\033[{colour}m{padded} |\033[0m "

    def _put(self, line: str) -> None:
        self._last_said = time.monotonic()
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            dropped, self._dropped = self._dropped, 0
            if dropped:
                line = text("log.dropped", count=dropped) + "\n" + line
            try:
                self._stream.write(line + "\n")
                if self._lines.empty():
                    self._stream.flush()
            except (OSError, ValueError):
                # the reader is gone (`| head`): the stack goes on without one
                self._stream = open(os.devnull, "w")  # noqa: SIM115
