"""gunicorn's threaded worker, but a thread is given only a request that has arrived whole.

Otherwise eight clients that send a byte now and then would hold all eight threads. Here the
process's own loop gathers what comes, as long as it takes up to `ARRIVES_WITHIN`, and a thread that
answers waits for no client longer than `PATIENCE_SECONDS`. Plain polls need no thread: the loop
answers them (web/quick_polls.py). Of hundreds who post at once only some are given one, so that
whoever reads doesn't stand in their line.
"""

import re
import selectors
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from web.database import DATABASE_CONNECTIONS
from web.guard import MAX_BODY_BYTES
from web.quick_polls import PlainPoll, QuickPolls

ARRIVES_WITHIN = 30.0
# Once the process is to end: it has taken the connection, so nobody else can answer.
ARRIVES_AT_THE_END_WITHIN = 2.0
PATIENCE_SECONDS = 10.0
# What a process keeps of requests that haven't arrived whole. Beyond it the oldest are dropped.
MOST_ARRIVING_BYTES = 64 * 1024 * 1024
MOST_HEAD_BYTES = 64 * 1024
# Each takes a connection to the database. One of these, and with those who wait for replies one of
# the eight threads, is left for whoever reads.
MOST_POSTING = DATABASE_CONNECTIONS - 1
_PIECE = 64 * 1024
# Room for an answer, so that a slow reader holds no thread: the kernel sends it by and by.
_SEND_BUFFER = 512 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*(?:\r\n|$)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
# What is quick to answer, and comes by the hundred. Whoever asks and waits for the reply takes a
# thread of those for that (web/services.py).
_POST = re.compile(rb"POST /api/(?:ask|conversations(?:/[\w-]{1,40}/messages)?) HTTP/")
_PREFERS = re.compile(rb"\r\nprefer:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)


class Arriving:
    """The bytes of a request so far."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.since = time.monotonic()
        self.told_to_continue = False
        self._head_ends = -1

    def add(self, piece: bytes) -> None:
        self.data += piece
        if self._head_ends < 0:
            before = max(0, len(self.data) - len(piece) - 3)
            self._head_ends = self.data.find(b"\r\n\r\n", before)

    @property
    def head(self) -> bytes | None:
        """None while it isn't whole."""
        return bytes(self.data[: self._head_ends + 2]) if self._head_ends >= 0 else None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing; what is too large counts as whole, to be refused at once."""
        head = self.head
        if head is None:
            return len(self.data) > MOST_HEAD_BYTES
        body = len(self.data) - self._head_ends - 4
        if _CHUNKED.search(head):
            last = self.data[-5:] == b"0\r\n\r\n"
            return body > MAX_BODY_BYTES or (last and (body == 5 or self.data[-7:-5] == b"\r\n"))
        length = _LENGTH.search(head)
        return length is None or body >= int(length[1]) or int(length[1]) > MAX_BODY_BYTES

    @property
    def posts(self) -> bool:
        """Whether it adds a turn or a conversation and waits for nothing else."""
        return _POST.match(self.data) is not None and not _PREFERS.search(self.head or b"")

    @property
    def waits_to_continue(self) -> bool:
        """Whether the client sends its body only after a 100 (RFC 9110, section 10.1.1)."""
        head = self.head
        if head is None or self.told_to_continue:
            return False
        return _EXPECTS.search(head) is not None


class Connection(TConn):  # type: ignore[misc]
    """A client's connection, whose thread waits for nobody longer than its patience."""

    is_watched = False  # by the process's loop, for what comes next
    posts = False  # with the request that it has sent

    def init(self) -> None:
        super().init()
        self.sock.settimeout(PATIENCE_SECONDS)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Connections go arriving → answered → kept alive, and with the next byte arriving again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: OrderedDict[Connection, Arriving] = OrderedDict()
        self._bytes = 0
        self._quick: QuickPolls | None = None
        # Those that have come and are to be answered together; their requests count as arriving.
        self._polls: dict[Connection, PlainPoll] = {}
        self._posting = 0
        self._will_post: deque[Connection] = deque()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self._quick = QuickPolls(self.wsgi.extensions["epicode"])

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """A turn of the loop: takes what has come, then answers the plain polls among it."""
        super().wait_for_and_dispatch_events(timeout)
        if self._polls:
            self._answer_polls()

    def accept(self, listener: socket.socket) -> None:
        """Takes a connection; most have sent their request by now."""
        try:
            client, address = listener.accept()
        except OSError:  # gone again, or another process was quicker
            return
        self.nr_conns += 1
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._await(Connection(self.cfg, client, address, listener.getsockname()))
        if self.nr_conns >= self.worker_connections and self._arriving:
            self._drop(next(iter(self._arriving)))  # the oldest, so that others can come

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """The next request of a connection that was kept alive."""
        self.keepalived_conns.remove(conn)
        conn.is_watched = True
        self._await(conn)

    def enqueue_req(self, conn: Connection) -> None:
        """Gives a thread to the request, at once or when its turn among those who post has come."""
        if conn.posts:
            if self._posting >= MOST_POSTING:
                self._will_post.append(conn)
                return
            self._posting += 1
        super().enqueue_req(conn)

    def finish_request(self, conn: Connection, fs: "Future[Any]") -> None:
        """In the loop again, after a thread has answered: whoever posts next may."""
        if conn.posts:
            conn.posts = False
            self._posting -= 1
            if self._will_post:
                self.enqueue_req(self._will_post.popleft())
        super().finish_request(conn, fs)

    def murder_keepalived(self, force: bool = False) -> None:
        """At each turn of the loop: whoever takes too long to send a request is dropped, too."""
        super().murder_keepalived(force)
        limit = time.monotonic() - (ARRIVES_WITHIN if self.alive else ARRIVES_AT_THE_END_WITHIN)
        for conn, arriving in list(self._arriving.items()):
            if not force and arriving.since > limit:
                break
            self._drop(conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        """Only a body that was too large can be left unread, and nobody waits for that."""
        return bool(keepalive and conn.parser.finish_body(deadline=time.monotonic() + 0.1))

    def _await(self, conn: Connection) -> None:
        self._arriving[conn] = Arriving()
        conn.sock.setblocking(False)
        self._receive(conn, conn.sock)
        if conn in self._arriving and conn not in self._polls:  # most have come whole
            self._watch(conn, self._receive)

    def _receive(self, conn: Connection, sock: socket.socket) -> None:
        arriving = self._arriving[conn]
        try:
            piece = sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        if not piece:
            self._drop(conn)
            return
        arriving.add(piece)
        self._bytes += len(piece)
        if arriving.is_whole:
            poll = self._quick.plain(arriving.data) if self._quick and self.alive else None
            if poll is not None:
                self._polls[conn] = poll
            else:
                self._hand_over(conn)
        elif arriving.waits_to_continue:
            arriving.told_to_continue = True
            with suppress(OSError):  # a client that takes nothing gets nothing
                sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif self._bytes > MOST_ARRIVING_BYTES:
            self._drop(next(iter(self._arriving)))

    def _answer_polls(self) -> None:
        assert self._quick is not None
        polls, self._polls = self._polls, {}
        for conn, answer in zip(polls, self._quick.answers([*polls.values()]), strict=True):
            if conn not in self._arriving:  # dropped, to make room for others
                continue
            if answer is None or len(self.keepalived_conns) >= self.max_keepalived:
                self._hand_over(conn)
            else:
                self._answer(conn, answer)

    def _answer(self, conn: Connection, answer: bytes) -> None:
        """Sends it at once: there is room for it, unless the client doesn't read."""
        try:
            is_sent = conn.sock.send(answer) == len(answer)
        except OSError:
            is_sent = False
        if not is_sent:
            self._drop(conn)
            return
        self._forget(conn)
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        self._watch(conn, self.on_client_socket_readable)

    def _watch(self, conn: Connection, on_readable: Callable[..., None]) -> None:
        """From now on what comes from this client calls that."""
        watch = self.poller.modify if conn.is_watched else self.poller.register
        watch(conn.sock, selectors.EVENT_READ, partial(on_readable, conn))
        conn.is_watched = True

    def _hand_over(self, conn: Connection) -> None:
        arriving = self._forget(conn)
        self._unwatch(conn)
        conn.posts = arriving.posts
        conn.data_ready = True
        conn.init()
        conn.parser.unreader.unread(bytes(arriving.data))
        self.enqueue_req(conn)

    def _drop(self, conn: Connection) -> None:
        self._forget(conn)
        self._unwatch(conn)
        self.nr_conns -= 1
        conn.close()

    def _unwatch(self, conn: Connection) -> None:
        if conn.is_watched:
            self.poller.unregister(conn.sock)
            conn.is_watched = False

    def _forget(self, conn: Connection) -> Arriving:
        arriving = self._arriving.pop(conn)
        self._bytes -= len(arriving.data)
        return arriving
