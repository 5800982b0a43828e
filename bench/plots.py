"""Curves of growth as PNG: cost and makespan over what grows, both axes logarithmic."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from bench.fit import Series


def draw(curve: Series, path: Path) -> None:
    """Cost a reply by process on the left, makespan on the right; none is drawn as one."""
    x = [max(1, point.x) for point in curve.points]
    figure = Figure(figsize=(10, 4), layout="constrained")
    cost, makespan = figure.subplots(1, 2)
    cost.plot(x, [point.cost for point in curve.points], "o-", color="black", label="together")
    for part, marker in zip(curve.points[0].cpu_ms, "s^vD", strict=False):
        used = [max(0.01, point.cpu_ms[part]) for point in curve.points]
        cost.plot(x, used, marker + "--", label=part, linewidth=1)
    cost.set_title(f"CPU a reply, ms: exponent {curve.cost_exponent:.2f}")
    cost.legend()
    makespan.plot(x, [point.makespan for point in curve.points], "o-", color="black")
    makespan.set_title(f"makespan, s: exponent {curve.makespan_exponent:.2f}")
    for axes in (cost, makespan):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(curve.what)
        axes.grid(which="both", alpha=0.3)
        axes.set_xticks(x, [f"{point.x:,}" for point in curve.points])
        axes.minorticks_off()
        bottom, top = axes.get_ylim()
        axes.set_ylim(bottom / 2, top * 2)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
