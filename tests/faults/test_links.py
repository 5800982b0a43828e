"""The line between any two parts is cut, delayed, or swallows everything for a while."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy.engine import make_url

from tests.databases import Databases
from tests.faults.trial import Trial
from tests.proxy import Proxy
from tests.scale import Scale, Tally
from tests.stack import Stack
from tests.upstream import Upstream

# Deadlines short enough for a test; a swallowed line to the model is found by them.
HURRIED = {"EPICODE_SILENCE_SECONDS": "4", "EPICODE_FIRST_TOKEN_SECONDS": "4"}


@dataclass
class Wired:
    """A stack of which every line runs through a proxy of its own."""

    stack: Stack
    lines: dict[str, Proxy]

    def client(self) -> httpx.Client:
        # a person's patience with a page that hangs; the browser's own is 30 s
        port = self.lines["browser and web"].port
        return self.stack.client(base_url=f"http://127.0.0.1:{port}", timeout=12)


@pytest.fixture(scope="module")
def wired(own_databases: Databases, times: dict[str, str]) -> Iterator[Wired]:
    with ExitStack() as opened:
        upstream = opened.enter_context(Upstream())
        stack = Stack(own_databases, upstream, times | HURRIED)

        def line(*target: object) -> Proxy:
            return opened.enter_context(Proxy(target if len(target) > 1 else str(target[0])))  # type: ignore[arg-type]

        url = make_url(stack.database_url)
        socket = f"{url.query['host']}/.s.PGSQL.5432"
        redis = urlsplit(stack.environment["REDIS_URL"])
        lines = {
            "browser and web": line("127.0.0.1", stack.port),
            "web and PostgreSQL": line(socket),
            "web and Redis": line("127.0.0.1", redis.port),
            "worker and PostgreSQL": line(socket),
            "worker and Redis": line("127.0.0.1", redis.port),
            "worker and model": line("127.0.0.1", urlsplit(upstream.url).port),
        }

        def database_through(proxy: Proxy) -> str:
            there = url.set(host="127.0.0.1", port=proxy.port, query={})
            return there.render_as_string(hide_password=False)

        def redis_through(proxy: Proxy) -> str:
            return redis._replace(
                netloc=redis.netloc.replace(f":{redis.port}", f":{proxy.port}")
            ).geturl()

        opened.callback(stack.stop)
        stack.start_web(
            DATABASE_URL=database_through(lines["web and PostgreSQL"]),
            REDIS_URL=redis_through(lines["web and Redis"]),
        )
        for name in ("worker-1", "worker-2"):
            stack.start_worker(
                name,
                wait=False,
                DATABASE_URL=database_through(lines["worker and PostgreSQL"]),
                REDIS_URL=redis_through(lines["worker and Redis"]),
                OPENAI_BASE_URL=f"http://127.0.0.1:{lines['worker and model'].port}/v1",
            )
        stack.wait_ready(2)
        yield Wired(stack, lines)


LINES = (
    "browser and web",
    "web and PostgreSQL",
    "web and Redis",
    "worker and PostgreSQL",
    "worker and Redis",
    "worker and model",
)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("how", ["cut", "delayed", "swallowing"])
def test_a_line_that_fails_for_a_while_loses_nothing(
    wired: Wired, scale: Scale, tally: Tally, line: str, how: str
) -> None:
    proxy = wired.lines[line]
    with wired.client() as client:
        trial = Trial(wired.stack, tally, client)
        trial.speak(scale.of(3, 10), seconds=scale.of(2, 10), held=False)

        with trial.fault(f"the line between {line} {how}"):
            if how == "cut":
                for _ in range(scale.of(2, 5)):
                    proxy.cut()
                    time.sleep(0.3)
                with proxy.refusing():
                    time.sleep(scale.of(0.5, 5))
            elif how == "delayed":
                with proxy.delayed(scale.of(0.1, 0.3)):
                    trial.post(1)
                    time.sleep(scale.of(0.5, 5))
            else:
                with proxy.blackhole():
                    time.sleep(scale.of(2, 15))

        trial.ends_well(120, failing_with=_codes_of(line))


def _codes_of(line: str) -> frozenset[str]:
    """A model that can't be reached three times is an honest end."""
    if line != "worker and model":
        return frozenset()
    return frozenset({"upstream_unavailable", "upstream_timeout", "upstream_malformed"})
