"""`bench/run`: for 1, 50 and 200 replies at once, what the product adds to the upstream's time.

bench/README.md says what every figure means.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench.figures import Records, Round, ideal_seconds, measure, milliseconds, table, together
from bench.load import Person, converse, settle
from bench.processes import OTHERS, Usage, Watch
from bench.stack import ROOT, Stack
from common import run_file

RESULTS = ROOT / "bench" / "results"
# a single reply is asked for as often as it takes to have a median
ROUNDS_OF_ONE = 10


@dataclass(frozen=True)
class Target:
    """What is measured: the page's address, its upstream's, and the processes to watch."""

    url: str
    upstream: str
    pids: Mapping[str, int]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    with ExitStack() as open_things:
        keys: list[str | None] = [None] * max(options.at_once)
        if options.url:
            target = Target(options.url, options.upstream, _pids_of_running(options.url))
        else:
            stack = open_things.enter_context(Stack())
            target = Target(stack.url, stack.upstream, stack.pids)
            if options.keys:
                keys = list(stack.create_keys(len(keys)))
        report = _run(target, keys, options.at_once, options.rounds)
    print(report)
    if not options.no_save:
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{_commit().replace(' ', '-')}.md"
        path.write_text(report)
        print(f"written to {path.relative_to(ROOT)}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--rounds", type=int, default=3, help="of each size above one")
    parser.add_argument("--keys", action="store_true", help="each person is a user with a key")
    parser.add_argument("--url", help="measure a stack that runs already")
    parser.add_argument("--upstream", help="its bench.upstream, as http://127.0.0.1:PORT")
    parser.add_argument("--no-save", action="store_true", help="write no file")
    options = parser.parse_args(arguments)
    if bool(options.url) != bool(options.upstream):
        parser.error("--url and --upstream belong together")
    if options.url and options.keys:
        parser.error("--keys needs a stack of the bench's own")
    return options


def _run(target: Target, keys: list[str | None], sizes: Sequence[int], rounds_of_many: int) -> str:
    people = uvloop.run(settle(target.url, keys))
    _round(target, people[: min(5, len(people))])  # warms connections, caches, imports
    watch = Watch({**target.pids, "load generator": os.getpid()})
    rounds: list[Round] = []
    usages: list[dict[str, Usage]] = []
    for size in sizes:
        count = ROUNDS_OF_ONE if size == 1 else rounds_of_many
        watch.start()
        rounds.append(together([_round(target, people[:size]) for _ in range(count)]))
        usages.append(watch.stop())
        for usage in usages[-1].values():
            usage.cpu /= count
    return _report(rounds, usages)


def _round(target: Target, people: list[Person]) -> Round:
    with urllib.request.urlopen(target.upstream + "/bench/records") as forgotten:
        forgotten.read()
    exchanges = uvloop.run(converse(target.url, people))
    with urllib.request.urlopen(target.upstream + "/bench/records") as answer:
        records: Records = json.load(answer)
    time.sleep(1)  # what the last replies leave to do must not weigh on the next round
    return measure(exchanges, records)


def _report(rounds: Sequence[Round], usages: Sequence[Mapping[str, Usage]]) -> str:
    names = list(usages[0])
    latencies = [
        ("POST → 202, ms", "accept"),
        ("enqueue → claimed, ms", "claim"),
        ("POST → request at the upstream, ms", "reach"),
        ("first visible text over the upstream's, ms", "first_text"),
        ("whole reply over the upstream's, ms", "whole"),
    ]
    rows = [
        [label, *(" / ".join(milliseconds(getattr(each, name))) for each in rounds)]
        for label, name in latencies
    ]
    rows += [
        ["makespan, s", *(f"{each.makespan:.2f}" for each in rounds)],
        ["ideal makespan, s", *(f"{ideal_seconds(each.at_once):.2f}" for each in rounds)],
        ["makespan over the ideal", *(f"{each.ratio:.2f}" for each in rounds)],
        ["polls a reply", *(f"{each.polls / _replies(each):.0f}" for each in rounds)],
        ["replies wrong or lost", *(f"{each.wrong} of {_replies(each)}" for each in rounds)],
    ]
    for name in names:
        rows.append([f"CPU s a round: {name}", *(f"{usage[name].cpu:.2f}" for usage in usages)])
    for name in names:
        if name == OTHERS:
            continue
        cells = (f"{usage[name].rss >> 20} / {usage[name].pss >> 20}" for usage in usages)
        rows.append([f"memory peak RSS / PSS, MiB: {name}", *cells])
    head = ["p50 / p99 / max", *(f"{each.at_once} at once" for each in rounds)]
    return f"# Bench, {datetime.now(UTC):%Y-%m-%d}\n\n{_machine()}\n\n{table(head, rows)}\n"


def _replies(each: Round) -> int:
    return len(each.accept) + each.wrong


def _machine() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"Commit {_commit()} · {os.cpu_count()} cores, {model}, {memory:.0f} GiB · "
        f"{platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()} · web 2 processes, 1 worker process, upstream and "
        "load generator on the same machine"
    )


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = git("rev-parse", "--short", "HEAD") or "none"
    return f"{commit} changed" if git("status", "--porcelain") else commit


def _pids_of_running(url: str) -> dict[str, int]:
    """From run.json, if it is the stack at this address; otherwise nothing is watched."""
    run = run_file.read(run_file.default_folder()) or {}
    if str(run.get("url", "")).rstrip("/") != url.rstrip("/"):
        return {}
    named = {worker["name"]: worker["pid"] for worker in run.get("workers", [])}
    for name in ("web", "postgres", "redis", "flower"):
        pid = (run.get(name) or {}).get("pid")
        if pid is not None:
            named[name] = pid
    return named
