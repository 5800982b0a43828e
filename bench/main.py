"""`bench/run [SECTION …]`: measures, prints one table of figures against their limits, saves it.

bench/README.md says what every figure means.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    browser,
    cost,
    growth,
    polls,
    reading,
    scaling,
    screen,
    starting,
    streams,
    waiting,
)
from bench.figures import Figure, figures_table, percentile
from bench.rounds import others, yardsticks
from bench.stack import ROOT, SLOTS, Stack

RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True)
class Measured:
    """A section's figures, and what else a reader may want to see."""

    figures: list[Figure]
    details: str = ""


def _streams() -> Measured:
    with Stack() as stack:
        sizes = streams.run(stack)
    return Measured(streams.figures(sizes), streams.details(sizes))


def _in_a_stack(measure: Callable[[Stack], list[Figure]]) -> Measured:
    with Stack() as stack:
        return Measured(measure(stack))


# In the order of the table: what a person feels first.
SECTIONS: dict[str, Callable[[], Measured]] = {
    "screen": lambda: _in_a_stack(screen.measure),
    "browser": lambda: _in_a_stack(browser.measure),
    "streams": _streams,
    "polls": lambda: _in_a_stack(polls.measure),
    "cost": lambda: _in_a_stack(cost.measure),
    "reading": lambda: Measured(reading.measure()),
    "waiting": lambda: _in_a_stack(waiting.measure),
    "starting": lambda: Measured(starting.measure()),
    "scaling": lambda: Measured(*scaling.measure()),
}


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["growth"]:
        curves = growth.names_from(given[1:])
        _report("growth", {"growth": Measured(*growth.measure(curves))})
        return 0
    options = _options(given)
    measured = {}
    for name in options.sections or SECTIONS:
        print(f"{name}…", flush=True)
        measured[name] = SECTIONS[name]()
        print(figures_table(measured[name].figures), flush=True)
    _report("-".join(options.sections), measured, save=not options.no_save)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description=__doc__,
        epilog="bench/run growth draws how costs grow; it takes ten minutes of its own",
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=" ".join(SECTIONS))
    parser.add_argument("--no-save", action="store_true", help="write no file")
    options = parser.parse_args(arguments)
    for name in options.sections:
        if name not in SECTIONS:
            parser.error(f"there is no section {name}: {', '.join(SECTIONS)}, growth")
    return options


def _report(name: str, measured: dict[str, Measured], *, save: bool = True) -> None:
    figures = [figure for section in measured.values() for figure in section.figures]
    kept = [figure for figure in figures if figure.holds is not None]
    held = sum(bool(figure.holds) for figure in kept)
    parts = [
        f"# Bench, {datetime.now(UTC):%Y-%m-%d}",
        machine(),
        figures_table(figures),
        f"{held} of {len(kept)} limits hold. {_disturbance()}",
        *(section.details for section in measured.values() if section.details),
    ]
    report = "\n\n".join(parts) + "\n"
    print(f"\n{report}")
    if save:
        RESULTS.mkdir(exist_ok=True)
        words = [f"{datetime.now(UTC):%Y-%m-%d}", commit().replace(" ", "-"), name]
        path = RESULTS / f"{'-'.join(filter(None, words))}.md"
        path.write_text(report)
        print(f"written to {path.relative_to(ROOT)}")


def _disturbance() -> str:
    """How far the figures may be believed."""
    if not others:
        return ""
    return (
        f"Everything else on the machine took {percentile(others, 50):.2f} cores in the median "
        f"round, {max(others):.2f} at most. The yardstick, a fixed piece of work, took "
        f"{percentile(yardsticks, 50):.0f} ms of CPU, between {min(yardsticks):.0f} and "
        f"{max(yardsticks):.0f}."
    )


def machine() -> str:
    """Commit, processors, memory, system, and how the stack was set up, in a line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"Commit {commit()} · {os.cpu_count()} cores, {model}, {memory:.0f} GiB · "
        f"{platform.system()} {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()} · web 2 processes, 1 worker process of {SLOTS:,} "
        "slots, upstream and load generator on the same machine"
    )


def commit() -> str:
    """The commit's short name, `changed` behind it where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    name = git("rev-parse", "--short", "HEAD") or "none"
    return f"{name} changed" if git("status", "--porcelain") else name
