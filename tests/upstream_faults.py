"""Every fault of a model server, and what a job must come to: the one table of them.

`tests/faults/test_upstream.py` provokes all of them at once, over and over, on one worker. A
refused connection and what no script can do (a server that is gone, or speaks no HTTP) is in
`tests/worker/`.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.upstream_script import (
    DONE,
    Answer,
    Comment,
    Cut,
    Done,
    End,
    Pause,
    Raw,
    Reasoning,
    Script,
    Silence,
    Step,
    Text,
    failing,
    http_date,
    reply,
    sse,
)

ATTEMPTS = 3
# What a busy machine may add to a job whose limits leave it nothing to wait for.
ROOM_SECONDS = 20.0
SAID = "Sí: ¿qué tal? 👩‍💻"
HALF = "half of it"


@dataclass(frozen=True)
class Fault:
    """`answers` in turn, the last for ever; `outcomes`: what becomes of each attempt.

    `code` is the job's error where the last outcome doesn't say it, `text` what can be read at
    the end. `silent` names the setting that ends each attempt, `asks` the seconds that the server
    asks to wait.
    """

    name: str
    answers: tuple[Answer, ...]
    outcomes: tuple[str, ...]
    code: str | None = None
    text: str = ""
    silent: str | None = None
    asks: float = 0.0

    @property
    def status(self) -> str:
        return self.outcomes[-1] if self.outcomes[-1] in ("completed", "incomplete") else "failed"

    @property
    def error(self) -> str | None:
        return None if self.status == "completed" else self.code or self.outcomes[-1]

    def limit(self, settings: Mapping[str, str]) -> float:
        """Seconds within which a job must have ended, under these settings."""
        attempts = len(self.outcomes)
        backoff = float(settings["EPICODE_BACKOFF_SECONDS"])
        waits = sum(max(self.asks, backoff * 4**n * 1.25) for n in range(attempts - 1))
        silence = float(settings[self.silent]) if self.silent else 0.0
        return attempts * silence + waits + ROOM_SECONDS


def _heals(name: str, *bad: Answer, outcome: str, asks: float = 0.0) -> Fault:
    outcomes = (*(outcome for _ in bad), "completed")
    return Fault(name, (*bad, reply(SAID)), outcomes, text=SAID, asks=asks)


def _lasts(name: str, bad: Answer, outcome: str, *, text: str = "", silent: str = "") -> Fault:
    return Fault(name, (bad,), (outcome,) * ATTEMPTS, text=text, silent=silent or None)


def _at_once(name: str, bad: Script, outcome: str) -> Fault:
    return Fault(name, (bad,), (outcome,))


def _read(name: str, *steps: Step, text: str = SAID, headers: Mapping[str, str] = {}) -> Fault:
    return Fault(name, (Script(steps=steps, headers=headers),), ("completed",), text=text)


def _cut_short(name: str, script: Script, code: str, text: str) -> Fault:
    return Fault(name, (script,), ("incomplete",), code=code, text=text)


def _steps(*steps: Step) -> Script:
    return Script(steps=steps)


def _chunk(text: str, finish_reason: str | None = None, index: int = 0) -> dict[str, object]:
    choice = {"index": index, "delta": {"content": text}, "finish_reason": finish_reason}
    return {"choices": [choice], "usage": None}


def _error_chunk(**error: object) -> Raw:
    return Raw(sse({"error": error}))


WHOLE = sse(_chunk(SAID)) + sse(_chunk("", "stop")) + DONE
STOP = (End(), Done())
_429 = failing(429, "rate_limit_exceeded")
_BYTE_BY_BYTE = tuple(
    step for at in range(len(WHOLE)) for step in (Raw(WHOLE[at : at + 1]), Pause(0.001))
)

SLOW_DOWN = (
    _heals("429 twice, then success", _429, _429, outcome="rate_limited"),
    _lasts("429 for ever", _429, "rate_limited"),
    _heals("429 with Retry-After: 1", failing(429, retry_after=1), outcome="rate_limited", asks=1),
    _heals(
        "429 with Retry-After as a date",
        lambda _: failing(429, retry_after=http_date(2)),
        outcome="rate_limited",
        asks=1,  # a date has no fractions
    ),
    _heals(
        "429 with retry-after-ms",
        replace(_429, headers={"retry-after-ms": "700", "retry-after": "70"}),
        outcome="rate_limited",
        asks=0.7,
    ),
    _heals("429 with Retry-After: 0", failing(429, retry_after=0), outcome="rate_limited"),
    _heals(
        "429 with a Retry-After that is no time",
        failing(429, retry_after="nan"),
        failing(429, retry_after="inf"),
        outcome="rate_limited",
    ),
    _heals(
        "429 with a Retry-After in the past",
        failing(429, retry_after="-7"),
        failing(429, retry_after="Sun, 06 Nov 1994 08:49:37 GMT"),
        outcome="rate_limited",
    ),
    _at_once("429 with Retry-After: 120", failing(429, retry_after=120), "rate_limited"),
    _at_once(
        "429 with a Retry-After of 10^12", failing(429, retry_after="1000000000000"), "rate_limited"
    ),
    _at_once("429, out of credit", failing(429, "insufficient_quota"), "quota_exceeded"),
    _heals(
        "429 reported in mid-stream",
        _steps(Text(HALF), _error_chunk(code=429, message="slow down")),
        outcome="rate_limited",
    ),
    _heals(
        "503 with Retry-After: 1",
        failing(503, retry_after=1),
        outcome="upstream_unavailable",
        asks=1,
    ),
)

AWAY = (
    _lasts("500 for ever", failing(500), "upstream_unavailable"),
    _heals(
        "503, then 500, then success", failing(503), failing(500), outcome="upstream_unavailable"
    ),
    _lasts("cut before the first word", _steps(Cut()), "upstream_unavailable"),
    _lasts(
        "cut in mid-stream",
        _steps(Text(HALF), Pause(0.3), Cut()),
        "upstream_unavailable",
        text=HALF,
    ),
    _lasts(
        "an error in mid-stream",
        _steps(Text(HALF), _error_chunk(message="out of memory")),
        "upstream_unavailable",
        text=HALF,
    ),
    _lasts(
        "redirects in a circle",
        Script(status=307, headers={"location": "/v1/chat/completions"}, body=b""),
        "upstream_unavailable",
    ),
)

SILENT = (
    _lasts(
        "silence before the headers",
        Script(steps=(Silence(),), early_headers=False),
        "upstream_timeout",
        silent="EPICODE_FIRST_TOKEN_SECONDS",
    ),
    _lasts(
        "silence before the first token",
        _steps(Silence()),
        "upstream_timeout",
        silent="EPICODE_FIRST_TOKEN_SECONDS",
    ),
    _lasts(
        "comments instead of tokens",
        _steps(*(Comment(), Pause(0.2)) * 2000),
        "upstream_timeout",
        silent="EPICODE_FIRST_TOKEN_SECONDS",
    ),
    _lasts(
        "empty deltas instead of tokens",
        _steps(*(Text(""), Pause(0.2)) * 2000),
        "upstream_timeout",
        silent="EPICODE_FIRST_TOKEN_SECONDS",
    ),
    _lasts(
        "silence in mid-stream",
        _steps(Text(HALF), Silence()),
        "upstream_timeout",
        text=HALF,
        silent="EPICODE_SILENCE_SECONDS",
    ),
)

UNREADABLE = (
    _lasts("a stream that just ends", _steps(Text(HALF)), "upstream_malformed", text=HALF),
    _lasts("a stream of nothing", _steps(), "upstream_malformed"),
    _lasts(
        "a malformed chunk",
        _steps(Text(HALF), Raw(b"data: {nonsense\n\n"), *STOP),
        "upstream_malformed",
        text=HALF,
    ),
    _lasts("a chunk of no shape", _steps(Raw(sse({"choices": 5})), *STOP), "upstream_malformed"),
    _lasts(
        "HTML with 200",
        Script(body=b"<html>\n<p>hi</p>\n</html>", headers={"content-type": "text/html"}),
        "upstream_malformed",
    ),
    _lasts("an answer that is no stream", Script(json=_chunk(SAID)), "upstream_malformed"),
    _lasts(
        "packed bytes that can't be unpacked",
        Script(steps=(Raw(WHOLE),), headers={"content-encoding": "gzip"}),
        "upstream_malformed",
    ),
    _lasts("an empty answer", _steps(*STOP), "empty_reply"),
    _lasts("an answer of NULs", _steps(Text("\0\0"), *STOP), "empty_reply"),
)

CUT_SHORT = (
    _cut_short(
        "finish_reason length", reply(SAID, finish_reason="length"), "max_output_tokens", SAID
    ),
    _cut_short(
        "finish_reason content_filter",
        reply(SAID, finish_reason="content_filter"),
        "content_filter",
        SAID,
    ),
    _cut_short(
        "content_filter before a word",
        _steps(End("content_filter"), Done()),
        "content_filter",
        "",
    ),
    _cut_short(
        "2 MiB of output", _steps(*(Text("y" * 1024),) * 2048), "output_too_long", "y" * 1024**2
    ),
)

REFUSED = (
    _at_once("401", failing(401, "invalid_api_key"), "invalid_api_key"),
    _at_once("403", failing(403), "permission_denied"),
    _at_once("404", failing(404, "model_not_found"), "model_not_found"),
    _at_once("400", failing(400, "unsupported_value"), "upstream_rejected"),
    _at_once("400, filtered", failing(400, "content_filter"), "content_filter"),
    _at_once("400, too long", failing(400, "context_length_exceeded"), "context_length_exceeded"),
)

STRANGE = (
    _read("UTF-8 split at every byte", *_BYTE_BY_BYTE),
    _read(
        "half a character",
        Raw(sse(_chunk("caf#")).replace(b"#", b"\xc3")),
        *STOP,
        text="caf\ufffd",
    ),
    _read("NUL in the text", Text("a\0b"), Text("\0c"), *STOP, text="abc"),
    _read("a surrogate pair over two deltas", Text("\ud83d"), Text("\udc4d"), *STOP, text="👍"),
    _read("half a surrogate pair", Text("a\ud83d"), Text("b"), *STOP, text="ab"),
    _read("a byte order mark", Raw(b"\xef\xbb\xbf" + WHOLE)),
    _read("lines that end in CR LF", Raw(WHOLE.replace(b"\n", b"\r\n"))),
    _read("no blank after data:", Raw(WHOLE.replace(b"data: ", b"data:"))),
    _read("an empty list of choices", Raw(sse({"choices": []})), Raw(WHOLE)),
    _read("two answers at once", Raw(sse(_chunk("other", index=1))), Raw(WHOLE)),
    _read(
        "an impossible usage",
        Text(SAID),
        Raw(sse({"choices": [], "usage": {"prompt_tokens": 2**40, "completion_tokens": -1}})),
        *STOP,
    ),
    _read("NUL in the finish_reason", Text(SAID), Raw(sse(_chunk("", "st\0op"))), Done()),
    _read("reasoning and comments", Reasoning("hm"), Comment(), Text(SAID), *STOP),
    _read(
        "packed bytes that nobody asked for",
        Raw(gzip.compress(WHOLE)),
        headers={"content-encoding": "gzip"},
    ),
)

FAULTS: dict[str, tuple[Fault, ...]] = {
    "the model says slow down": SLOW_DOWN,
    "the model server is away or breaks off": AWAY,
    "the model falls silent": SILENT,
    "the model's answer can't be read": UNREADABLE,
    "the model's answer is cut short": CUT_SHORT,
    "the model refuses the request": REFUSED,
    "the model's answer is strange": STRANGE,
}
ALL = [fault for kind in FAULTS.values() for fault in kind]
