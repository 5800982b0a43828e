"""docs/jobs.md shows the machine as it is: its table and its diagram."""

import re

from common.config import ROOT
from common.machine import FINISHED, MACHINE, Status

PAGE = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")

Steps = set[tuple[str, str, str]]

THE_MACHINE: Steps = {
    (rule.source, verb, target) for verb, rule in MACHINE.items() for target in rule.targets
}


def test_the_table_is_the_machine() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| ([^|]+) \|", PAGE, re.MULTILINE)

    shown = {
        (source, verb, target)
        for source, verb, targets in rows
        for target in re.findall(r"`(\w+)`", targets)
    }

    assert shown == THE_MACHINE
    assert len(rows) == len(MACHINE)


def test_the_diagram_is_the_machine() -> None:
    shown = re.findall(r"^ +(\w+) --> (\w+): (\w+)$", PAGE, re.MULTILINE)

    assert {(source, verb, target) for source, target, verb in shown} == THE_MACHINE


def test_the_diagram_begins_and_ends_where_the_machine_does() -> None:
    begins = set(re.findall(r"^ +\[\*\] --> (\w+)$", PAGE, re.MULTILINE))
    ends = set(re.findall(r"^ +(\w+) --> \[\*\]$", PAGE, re.MULTILINE))

    assert begins == {Status.QUEUED}
    assert ends == FINISHED
