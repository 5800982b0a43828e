"""How much of a fault is provoked, and what came of it.

The suite runs a quick form of every fault; `./epicode test --faults` the long one, which counts
and prints a table: a fault's name, how often, over how many jobs, lost, doubled, the slowest
recovery.
"""

from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Scale:
    """`scale.of(20, 200)`: twenty in the quick form, two hundred in the long one."""

    is_long: bool

    def of(self, quick: T, long: T) -> T:
        return long if self.is_long else quick


@dataclass(frozen=True)
class Outcome:
    """What one fault did, over all its provocations. `recovery` in seconds; None: none needed."""

    fault: str
    provoked: int
    jobs: int
    lost: int = 0
    doubled: int = 0
    recovery: float | None = None


@dataclass
class Tally:
    """The outcomes of a run, in the order in which they came."""

    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def table(self) -> list[str]:
        """Markdown, as docs/reliability.md keeps it."""
        rows = [
            "| Fault | provoked | jobs | lost | doubled | slowest recovery |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for outcome in [*self.outcomes, self._all()]:
            took = "–" if outcome.recovery is None else f"{outcome.recovery:.1f} s"
            rows.append(
                f"| {outcome.fault} | {outcome.provoked:,} | {outcome.jobs:,} "
                f"| {outcome.lost} | {outcome.doubled} | {took} |"
            )
        return rows

    def _all(self) -> Outcome:
        recoveries = [item.recovery for item in self.outcomes if item.recovery is not None]
        return Outcome(
            "**all**",
            sum(item.provoked for item in self.outcomes),
            sum(item.jobs for item in self.outcomes),
            sum(item.lost for item in self.outcomes),
            sum(item.doubled for item in self.outcomes),
            max(recoveries, default=None),
        )
