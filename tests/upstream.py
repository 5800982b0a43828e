"""A scriptable OpenAI-compatible upstream of our own: a real HTTP server, for exact bytes.

Inside a test (the server runs in a thread of its own):

    upstream = Upstream().start()              # or: with Upstream() as upstream:
    OPENAI_BASE_URL = upstream.url             # "http://127.0.0.1:PORT/v1"
    upstream.script("[[slow]]", reply("hello", every=0.1))
    upstream.script("[[flaky]]", failing(503), reply("second time lucky"))
    upstream.script("gpt-test", Script(steps=(Text("a"), Gate("go"), Text("b"), End(), Done())))
    upstream.wait_at("go"); upstream.open("go")
    upstream.wait_for(2)[1].messages           # the second request, once it has arrived
    upstream.stop()                            # start() again listens on the same port

Which script answers: (1) the first whose marker occurs in the last user message, (2) one given
for exactly that model, (3) the queue of `next(…)`, (4) instructions in the last user message,
(5) `upstream.default`, which is `echo`. Several scripts for one marker are used in turn; the last
stays. A script may be a function from the request's parsed body to a `Script`.

Instructions in the user's text, for the form of a separate process (`python -m tests.upstream
--port N`, which prints its address when it listens):
`[[chunks=100 every=0.02 first=1.0]]` with the optional words `finish=length` (the reason),
`cut=10` (abort after ten chunks), `silence=10` (say nothing more after ten), `usage=0` (none),
`fail=503` with `code=…` and `retry_after=…`. Chunks read "w0 ", "w1 ", "w2 ", …

`requests` holds every POST in order of arrival, `listings` every GET /v1/models. All times are
`time.time()`. A stream has a usage chunk only when `stream_options.include_usage` asks for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.upstream_request import Request
from tests.upstream_script import (
    DONE,
    USAGE,
    Answer,
    Chunks,
    Comment,
    Cut,
    Done,
    End,
    Gate,
    Pause,
    Raw,
    Reasoning,
    Script,
    Silence,
    Step,
    Text,
    echo,
    failing,
    http_date,
    instructed,
    last_user_text,
    reply,
    sse,
    stream,
)

WAS_CUT = web.RequestKey("was_cut", bool)


class Upstream:
    """The server. Everything public may be called from any thread."""

    def __init__(self, port: int = 0, models: Iterable[str] = ("gpt-test", "gpt-other")) -> None:
        self.models: list[str] = list(models)
        self.models_status = 200
        self.key: str | None = None  # when set, any other bearer key gets a 401
        self.default: Answer = echo
        self.listings: list[Request] = []
        self._requests: list[Request] = []
        self._port = port
        self._scripts: dict[str, deque[Answer]] = {}
        self._queue: deque[Answer] = deque()
        self._opened: set[str] = set()
        self._reached: set[str] = set()
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._served = 0

    def start(self) -> Upstream:
        listening = threading.Event()
        failure: list[BaseException] = []
        thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listening, failure)),
            name="upstream",
            daemon=True,
        )
        thread.start()
        listening.wait()
        if failure:
            raise failure[0]
        self._thread = thread
        return self

    def stop(self) -> None:
        """Cuts what is being streamed and frees the port. Calling it twice is fine."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Upstream:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> list[Request]:
        with self._changed:
            return list(self._requests)

    def script(self, model_or_marker: str, *answers: Answer) -> None:
        """Answers for requests with this marker in their last user message, or for this model."""
        with self._changed:
            self._scripts[model_or_marker] = deque(answers)

    def next(self, *answers: Answer) -> None:
        """Queues answers for the next requests that no marker or model claims."""
        with self._changed:
            self._queue.extend(answers)

    def reset(self) -> None:
        """Forgets scripts, gates and what was recorded; running answers go on."""
        with self._changed:
            for memory in (self._scripts, self._queue, self._opened, self._reached):
                memory.clear()
            self._requests.clear()
            self.listings.clear()
            self.default, self.key, self.models_status = echo, None, 200

    def open(self, name: str) -> None:
        """Opens a gate, for whoever waits there and for whoever comes later."""
        with self._changed:
            self._opened.add(name)

    def wait_at(self, name: str, timeout: float = 20.0) -> None:
        """Returns when some answer has reached the gate."""
        self._wait(lambda: name in self._reached, timeout, f"no answer reached the gate {name!r}")

    def wait_for(self, count: int = 1, marker: str = "", timeout: float = 20.0) -> list[Request]:
        """The requests (with this marker in their last user message), once there are `count`."""

        def wanted() -> list[Request]:
            return [request for request in self._requests if marker in request.text]

        missing = f"fewer than {count} requests with {marker!r}"
        self._wait(lambda: len(wanted()) >= count, timeout, missing)
        return wanted()

    def wait_closed(self, request: Request, timeout: float = 20.0) -> float:
        """When the client closed this request early, waiting for it to happen."""
        self._wait(lambda: request.closed_at is not None, timeout, "the client didn't close")
        assert request.closed_at is not None
        return request.closed_at

    def _wait(self, is_so: Callable[[], bool], timeout: float, complaint: str) -> None:
        with self._changed:
            if not self._changed.wait_for(is_so, timeout):
                raise TimeoutError(f"{complaint} within {timeout:g} s")

    def _note(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    async def _serve(self, listening: threading.Event, failure: list[BaseException]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_post("/{path:.*}", self._answer)
        # without handler_cancellation a client that leaves is noticed only by the next write
        runner = web.AppRunner(
            app,
            handler_cancellation=True,
            access_log=None,
            shutdown_timeout=0.01,  # zero would mean for ever
        )
        try:
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", self._port, backlog=1024, reuse_address=True)
            await site.start()
            self._port = runner.addresses[0][1]
        except OSError as error:
            failure.append(error)
            self._stopping.set()
        listening.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _list_models(self, request: web.Request) -> web.Response:
        record = Request(request.path, dict(request.headers), None, time.time())
        self._note(lambda: self.listings.append(record))
        if self.models_status != 200:
            return web.json_response({"error": {"message": "scripted"}}, status=self.models_status)
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": "tests"}
            for name in list(self.models)
        ]
        return web.json_response({"object": "list", "data": data})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in request.headers.items()}
        record = Request(request.path, headers, body, time.time())
        self._note(lambda: self._requests.append(record))
        try:
            answer = await self._play(request, self._choose(record), record)
        except (asyncio.CancelledError, ConnectionError):
            if WAS_CUT not in request and not self._stopping.is_set():
                self._note(lambda: setattr(record, "closed_at", time.time()))
            raise
        self._note(lambda: setattr(record, "finished_at", time.time()))
        return answer

    def _choose(self, record: Request) -> Script:
        if record.path != "/v1/chat/completions" or not isinstance(record.body, dict):
            return failing(404, "unknown_url", message=f"no such path or no JSON: {record.path}")
        if self.key is not None and record.headers.get("authorization") != f"Bearer {self.key}":
            return failing(401, "invalid_api_key")
        with self._changed:
            marked = next((key for key in self._scripts if key in record.text), None)
            turns = self._scripts.get(record.body.get("model", "") if marked is None else marked)
            chosen: Answer | None = None
            if turns:
                chosen = turns.popleft() if len(turns) > 1 else turns[0]
            elif self._queue:
                chosen = self._queue.popleft()
        if chosen is None:
            chosen = instructed(record.text) or self.default
        return chosen if isinstance(chosen, Script) else chosen(record.body)

    async def _play(
        self, request: web.Request, script: Script, record: Request
    ) -> web.StreamResponse:
        if script.json is not None:
            return web.json_response(script.json, status=script.status, headers=script.headers)
        if script.body is not None:
            headers = {"content-type": "application/json", **script.headers}
            return web.Response(body=script.body, status=script.status, headers=headers)
        self._served += 1
        if not record.body.get("stream"):
            return await self._play_whole(request, script, record.body)
        headers = {"content-type": "text/event-stream; charset=utf-8", **script.headers}
        response = web.StreamResponse(status=script.status, headers=headers)
        if script.early_headers:
            await response.prepare(request)
        chunks = Chunks(f"chatcmpl-{self._served:06d}", record.body)
        for step in script.steps:
            if isinstance(step, Cut):
                await _abort(request)
            data = chunks.of(step)
            if data:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(data)
            else:
                await self._wait_through(step)
        if not response.prepared:
            await response.prepare(request)
        return response

    async def _play_whole(
        self, request: web.Request, script: Script, body: dict[str, Any]
    ) -> web.StreamResponse:
        for step in script.steps:
            if isinstance(step, Cut):
                await _abort(request)
            await self._wait_through(step)
        text = "".join(step.text for step in script.steps if isinstance(step, Text))
        end = next((step for step in script.steps if isinstance(step, End)), End())
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": end.finish_reason,
        }
        whole = {
            "id": f"chatcmpl-{self._served:06d}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.get("model"),
            "choices": [choice],
            "usage": end.usage,
        }
        return web.json_response(whole, status=script.status, headers=script.headers)

    async def _wait_through(self, step: Step) -> None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, Silence):
            await asyncio.Event().wait()
        elif isinstance(step, Gate):
            name = step.name
            self._note(lambda: self._reached.add(name))
            while name not in self._opened:
                await asyncio.sleep(0.005)


async def _abort(request: web.Request) -> None:
    request[WAS_CUT] = True
    if request.transport is not None:
        request.transport.abort()
    await asyncio.Event().wait()  # until the lost connection cancels this handler


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.upstream")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--models", default="gpt-test,gpt-other", help="ids, with commas")
    options = parser.parse_args(arguments)
    upstream = Upstream(options.port, options.models.split(",")).start()
    print(upstream.url, flush=True)
    try:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    finally:
        upstream.stop()
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
