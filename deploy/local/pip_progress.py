"""pip's output as one calm line: rewritten on a terminal, said every 15 s elsewhere."""

import sys
import time

from deploy.local.messages import text


class Progress:
    """Fed with pip's lines (`see`); `show` as often as you like."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._begun = time.monotonic()
        self._placing = False
        self._said_at = 0.0
        self._on_terminal = sys.stdout.isatty()

    def see(self, line: str) -> None:
        """One line of pip's."""
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            self._done = min(self._done + 1, self._total)
        self._placing = self._placing or line.startswith("Installing collected packages")

    def show(self) -> None:
        now = time.monotonic()
        if now - self._said_at < (0.2 if self._on_terminal else 15):
            return
        self._said_at = now
        key = "venv.placing" if self._placing else "venv.fetching"
        seconds = round(now - self._begun)
        sentence = text(key, done=self._done, total=self._total, seconds=seconds)
        print(
            f"\r\033[K{sentence}" if self._on_terminal else sentence,
            end="" if self._on_terminal else "\n",
            flush=True,
        )

    def close(self) -> None:
        if self._on_terminal:
            print("\r\033[K", end="", flush=True)
