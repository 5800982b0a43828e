"""What a reader puts together equals the saved reply, character for character, whatever happens.

Both readers of the house. Their line breaks, delays and repeats; the workers' line is cut; Valkey
forgets; attempts start over with other words. A run's number is its seed: what is done in it is
the same each time, though not exactly when.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from sqlalchemy import select

from common.audit import Limits, audit
from common.config import TestingConfig
from common.db import Database
from common.models import Job, Message
from tests.chaos import FAULTS, Chaos
from tests.crew import LAST, NOT_LAST, Crew, Play
from tests.databases import Databases
from tests.proxy import Proxy
from tests.readings import Heard, Read, clients_of_the_api, find_node, pages_of_the_browser
from tests.scale import Outcome, Scale, Tally
from tests.stack import Stack

AT_ONCE = 32
# The first ones don't come all at once: a web that has just started would need long for them.
APART_SECONDS = 0.04
UPSETS = ("cut", "cut", "cut", "FLUSHALL", "SCRIPT FLUSH")


@dataclass
class House:
    """The real web and the crew, each with a line to Valkey that can be cut."""

    stack: Stack
    crew: Crew
    config: TestingConfig
    lines: list[Proxy]
    database: Database
    upsets: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def upset(self) -> Iterator[None]:
        """Meanwhile lines are cut and logs are forgotten, at random moments."""
        is_over = threading.Event()
        thread = threading.Thread(target=self._upset, args=(is_over,))
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def _upset(self, is_over: threading.Event) -> None:
        chance = random.Random("upsets")
        with redis.Redis.from_url(self.config.REDIS_URL) as valkey:
            while not is_over.wait(chance.uniform(0.05, 0.3)):
                what = chance.choice(UPSETS)
                self.upsets[what] += 1
                if what == "cut":
                    chance.choice(self.lines).cut()
                else:
                    valkey.execute_command(what)


@pytest.fixture(scope="module")
def house(own_databases: Databases) -> Iterator[House]:
    url = own_databases.create_redis()
    address = urlsplit(url)
    valkey = (str(address.hostname), int(address.port or 0))
    with Proxy(valkey) as web_line, Proxy(valkey) as crew_line:
        web_url, crew_url = [
            url.replace(f":{valkey[1]}/", f":{line.port}/") for line in (web_line, crew_line)
        ]
        no_model = SimpleNamespace(url="http://127.0.0.1:9/v1")
        with Stack(own_databases, no_model, {"REDIS_URL": web_url}).start(workers=0) as stack:
            config = TestingConfig(
                FLASK_ENV="testing",
                DATABASE_URL=stack.database_url,
                REDIS_URL=url,
                EPICODE_LEASE_SECONDS=10,
                EPICODE_RENEW_SECONDS=0.3,
                EPICODE_SWEEP_SECONDS=0.1,
            )
            database = Database(stack.database_url, pool_size=5)
            # 10 ms each way, so that a cut comes before a command was carried out, or after
            with crew_line.delayed(0.01), Crew(config, crew_url) as crew:
                yield House(stack, crew, config, [web_line, crew_line, crew_line], database)
            database.close()


@pytest.mark.skipif(not find_node(), reason="no Node, or an old one, to run the page's poller")
def test_what_a_page_shows_ends_as_the_saved_reply(
    house: House, scale: Scale, tally: Tally
) -> None:
    read_runs(house, pages_of_the_browser, "a page", scale.of(40, 1000), tally)


def test_what_a_client_puts_together_ends_as_the_saved_reply(
    house: House, scale: Scale, tally: Tally
) -> None:
    read_runs(house, clients_of_the_api, "a client", scale.of(40, 1000), tally)


def read_runs(
    house: House,
    readers: Callable[[str], AbstractContextManager[Read]],
    who: str,
    runs: int,
    tally: Tally,
) -> None:
    """So many jobs, some at once, each played by the crew and read over the broken line."""
    ways: Counter[str] = Counter()
    wrong: list[str] = []
    seen = 0
    with (
        Chaos(house.stack.port) as chaos,
        house.upset(),
        house.stack.client() as client,
        ThreadPoolExecutor(AT_ONCE) as players,
        readers(chaos.url) as read,
        ThreadPoolExecutor(AT_ONCE) as runners,
    ):

        def run(number: int) -> tuple[Play, Heard, list[str]]:
            if number < AT_ONCE:
                time.sleep(number * APART_SECONDS)
            play = post(client, f"{who} {number}")
            chaos.follow(play.job_id, play.seed)
            played = players.submit(house.crew.play, play)
            try:
                heard = read(play.job_id, number)
            finally:
                played.result()  # its error tells more than a reader's who waits for ever
            return play, heard, list(faults_of(play, saved(house, play), heard))

        for play, heard, faults in runners.map(run, range(runs)):
            ways.update(play.ways)
            wrong += faults
            seen += sum(text != "" for page in heard.pages for _, text in page[:-1])
    tally.add(Outcome(f"{who} on a broken line", sum(chaos.done.values()), runs, lost=len(wrong)))
    assert wrong == []
    assert seen > runs / 2, "hardly anybody saw a reply grow"
    assert set(chaos.done) == set(FAULTS), chaos.done
    assert set(ways) == {*NOT_LAST, *LAST}, ways
    assert set(house.upsets) == set(UPSETS)
    with house.database.transaction() as session:
        assert audit(session, Limits.of(house.config)) == []


def post(client: httpx.Client, seed: str) -> Play:
    """A job of its own; asked for again if the web is too busy just now."""
    for _ in range(10):
        answer = client.post("/api/ask", json={"content": seed})
        if answer.status_code != 503:
            break
        time.sleep(1)
    assert answer.status_code == 202, answer.text
    return Play(answer.json()["id"], seed)


@dataclass(frozen=True)
class Saved:
    """A job's end in the database."""

    status: str
    content: str


def saved(house: House, play: Play) -> Saved:
    with house.database.transaction() as session:
        query = select(Job.status, Message.content).join(
            Message, Message.id == Job.reply_message_id
        )
        return Saved(*session.execute(query.where(Job.id == play.id)).one())


def faults_of(play: Play, end: Saved, heard: Heard) -> Iterator[str]:
    """What was saved or shown and shouldn't have been, in sentences that name the seed."""
    told = f"{play.seed} ({', '.join(play.ways)})"
    last = play.said(max(play.logs, default=0))
    if play.ended_without_its_worker:
        if not last.startswith(end.content):
            yield f"{told}: {end.content!r} was saved, which is no beginning of {last!r}"
    elif end.content != last:
        yield f"{told}: {end.content!r} was saved and not {last!r}"
    if (heard.status, heard.text) != (end.status, end.content):
        yield f"{told}: {heard.status} {heard.text!r} is not {end.status} {end.content!r}"
    newest = 0
    for page in heard.pages:
        before = ""
        for at, (attempt, text) in enumerate(page):
            if attempt < newest:
                yield f"{told}: attempt {attempt} came after {newest}"
            if not play.said(attempt).startswith(text):
                said = play.said(attempt)
                yield f"{told}: {text!r} is no beginning of attempt {attempt}, {said!r}"
            is_end = page is heard.pages[-1] and at == len(page) - 1
            may_shrink = is_end and play.ended_without_its_worker
            if attempt == newest and not text.startswith(before) and not may_shrink:
                yield f"{told}: in attempt {attempt}, {before!r} went back to {text!r}"
            newest, before = attempt, text
