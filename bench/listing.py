"""Somebody else, who lists conversations ten times a second while the others wait for replies."""

from __future__ import annotations

import asyncio
import time

import uvloop

from bench.client import Client
from bench.load import settle
from bench.stack import Stack

EVERY_SECONDS = 0.1
CONVERSATIONS = 30


class Lister:
    """A user of their own with a key and some conversations; `seconds` are the answers' times.

    A listing is asked for when it is due, whether or not the one before has been answered, and
    its time counts from then: a server that holds one up can't hide the next.
    """

    def __init__(self, stack: Stack) -> None:
        self._url = stack.url
        (self._key,) = stack.create_keys(1)
        uvloop.run(settle(stack.url, [self._key] * CONVERSATIONS))
        self.seconds: list[float] = []
        self.refused = 0

    async def run(self) -> None:
        """Until cancelled."""
        idle: list[Client] = []
        asking: set[asyncio.Task[None]] = set()
        due = time.time()
        try:
            while True:
                task = asyncio.ensure_future(self._ask(due, idle))
                asking.add(task)
                task.add_done_callback(asking.discard)
                due += EVERY_SECONDS
                await asyncio.sleep(max(0.0, due - time.time()))
        finally:
            await asyncio.gather(*asking, return_exceptions=True)
            for client in idle:
                client.close()

    async def _ask(self, due: float, idle: list[Client]) -> None:
        client = idle.pop() if idle else Client(self._url, self._key)
        try:
            answer = await client.get("/api/conversations")
        except OSError:
            self.refused += 1
            return
        if answer.status == 200:
            self.seconds.append(answer.at - due)
        else:
            self.refused += 1
        idle.append(client)
