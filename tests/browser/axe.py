"""axe-core on the page: what a person with a screen reader or poor sight would meet."""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
# The page's strict CSP lets no script in by a tag; the browser's own console is not asked.
RUN = "async (options) => (await axe.run(document, options)).violations"
COLOURS = ["color-contrast", "link-in-text-block"]

# What goes on for ever, such as the mark of a reply being written, isn't waited for.
SETTLED = """() => Promise.all(document.getAnimations()
    .filter((each) => each.effect.getTiming().iterations !== Infinity)
    .map((each) => each.finished.catch(() => null)))"""


def violations(page: Page, *, only_colours: bool = False) -> list[str]:
    """Each broken rule with the elements that break it; an empty list is what is wanted.
    `only_colours` asks again what alone depends on the theme."""
    # a fade half-way has no colour of its own
    page.evaluate(SETTLED)
    page.evaluate(f"{AXE}; undefined")
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only_colours:
        options["runOnly"] = COLOURS
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in page.evaluate(RUN, options)
        for node in found["nodes"]
    ]
