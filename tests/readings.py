"""The house's two readers, each following a job to its end: the page's own poller, run by Node, and
a plain client of the API. Both poll at the server's pace, where it isn't slow.

    with pages_of_the_browser(url) as read:      # or clients_of_the_api
        heard = read(job_id, 17)                 # from any thread; the number is the reader's seed
"""

import json
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import httpx

from common.config import ROOT
from deploy.local.all_tests import OLDEST_NODE
from tests.reader import FINISHED, Reader

PATIENCE_SECONDS = 3.0
LONGEST_PACE_SECONDS = 0.25
LONGEST_BACKOFF_SECONDS = 2.0
# A run takes some three seconds, and longer where the machine is busy.
RUN_SECONDS = 120

View = tuple[int, str]


@dataclass(frozen=True)
class Heard:
    """What one reader saw: each of its pages showed (attempt, text) in turn, the last to the end.

    A page is what remembers its cursor; loaded anew it knows nothing.
    """

    status: str
    text: str
    pages: list[list[View]]


Read = Callable[[str, int], Heard]


def find_node() -> str | None:
    """Node's path; None where it isn't there, or is older than what runs the page's tests."""
    node = shutil.which("node")
    if node is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    return node if major.isdigit() and int(major) >= OLDEST_NODE else None


@contextmanager
def pages_of_the_browser(url: str) -> Iterator[Read]:
    """Pages in one Node process, which tests/js/reader_runs.mjs makes."""
    node_path = find_node()
    assert node_path
    node = subprocess.Popen(
        [node_path, "tests/js/reader_runs.mjs", url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert node.stdin
    assert node.stdout
    questions, results = node.stdin, dict[str, Future[Heard]]()
    listener = threading.Thread(target=_listen, args=(node.stdout, results), daemon=True)
    listener.start()

    def read(job_id: str, seed: int) -> Heard:
        results[job_id] = Future()
        # one small write: lines of several threads don't mix
        questions.write(json.dumps({"id": job_id, "seed": seed}).encode() + b"\n")
        questions.flush()
        try:
            return results[job_id].result(RUN_SECONDS)
        except TimeoutError:
            raise AssertionError(f"the page of {job_id} does not end") from None

    try:
        yield read
    finally:
        questions.close()
        try:
            code = node.wait(5)
        except subprocess.TimeoutExpired:  # something is still being followed
            node.kill()
            code = node.wait()
        listener.join()
    assert code == 0


def _listen(answers: IO[bytes], results: dict[str, Future[Heard]]) -> None:
    for line in answers:
        one = json.loads(line)
        pages = [[(attempt, text) for attempt, text in page] for page in one["pages"]]
        results[one["id"]].set_result(Heard(one["status"], one["text"], pages))
    for unanswered in results.values():
        if not unanswered.done():
            unanswered.set_exception(AssertionError("Node has ended"))


@contextmanager
def clients_of_the_api(url: str) -> Iterator[Read]:
    """Clients as the documentation describes them, on the connections of one pool."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS, limits=limits) as client:
        yield lambda job_id, seed: _read(client, job_id, random.Random(seed))


def _read(client: httpx.Client, job_id: str, chance: random.Random) -> Heard:
    pages: list[list[View]] = []
    ends_at = time.monotonic() + RUN_SECONDS
    while True:
        # now and then all is forgotten
        reader = Reader(client, job_id, sparing=chance.random() < 0.5)
        pages.append([])
        failures = 0
        while not pages[-1] or chance.random() > 0.03:
            assert time.monotonic() < ends_at, f"{job_id} does not end"
            job = reader.try_poll()
            if job is None:
                failures += 1
                ceiling = min(LONGEST_BACKOFF_SECONDS, 0.05 * 2**failures)
                time.sleep(chance.uniform(0, ceiling))
                continue
            failures = 0
            pages[-1].append((job["attempt"], reader.text))
            if job["status"] in FINISHED:
                return Heard(job["status"], reader.text, pages)
            time.sleep(min(job["poll_after_ms"] / 1000, LONGEST_PACE_SECONDS))
