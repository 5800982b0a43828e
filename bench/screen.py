"""What a person feels: how far the text on the screen is behind the model, and how evenly it grows.

    python -m bench.screen [--at-once 1 20] [--rounds 5]

A real Chromium shows the page and asks one question; the others who ask within the same second are
the bench's own people. The upstream says numbered words, so each painted text tells which of them
it holds. Browser and upstream share this machine's clock.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import uuid
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import uvloop
from playwright.sync_api import Page, expect, sync_playwright

from bench.figures import Figure, figures_table, percentile
from bench.load import converse, settle
from bench.rounds import records_of, warm
from bench.stack import Stack
from bench.upstream import USUAL

SIZES = (1, 20)
ROUNDS = 5
PATIENCE_MS = 60_000
LAG_MEDIAN_MS, LAG_P95_MS, GAP_P95_MS = 250, 500, 200

ARGUMENTS = (
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# What was painted when, as [milliseconds since 1970, words, characters]. What a frame changed is
# on the screen when the next frame begins, so it is dated then: at most a frame too late.
OBSERVE = """() => {
  window.painted = [];
  const look = () => {
    const replies = document.querySelectorAll("#transcript .turn-reply .markdown");
    const text = replies.length ? replies[replies.length - 1].textContent : "";
    const words = (text.match(/palabra\\d{3}/g) ?? []).length;
    requestAnimationFrame(() => window.painted.push([Date.now(), words, text.length]));
  };
  const whatever = { childList: true, characterData: true, subtree: true };
  new MutationObserver(look).observe(document.getElementById("transcript"), whatever);
}"""


@dataclass(frozen=True)
class Paint:
    """A text that was on the screen at a time (seconds since 1970)."""

    at: float
    words: int
    length: int


@dataclass
class Felt:
    """What a person saw of replies, in seconds: one lag a word, one gap a paint."""

    lags: list[float] = field(default_factory=list)
    first_lags: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)

    def add(self, paints: Sequence[Paint], first: float, last: float) -> None:
        """One reply, whose words were said evenly from `first` to `last`.

        ValueError if it has not been shown to its end.
        """
        grown = growths(paints)
        shown = [paint.words for paint in grown]
        if not shown or shown[-1] < USUAL.tokens:
            raise ValueError(f"the page shows {shown[-1] if shown else 0} of {USUAL.tokens} words")
        said = [first + (last - first) * word / (USUAL.tokens - 1) for word in range(USUAL.tokens)]
        lags = [grown[bisect_left(shown, word + 1)].at - at for word, at in enumerate(said)]
        self.lags += lags
        self.first_lags.append(lags[0])
        self.gaps += [later.at - earlier.at for earlier, later in pairwise(grown)]


def growths(paints: Sequence[Paint]) -> list[Paint]:
    """The paints that showed more than all before them, one a moment."""
    grown: list[Paint] = []
    for paint in paints:
        if grown and grown[-1].at == paint.at and paint.length > grown[-1].length:
            grown[-1] = paint
        elif paint.length > (grown[-1].length if grown else 0):
            grown.append(paint)
    return grown


def measure(stack: Stack, sizes: Sequence[int] = SIZES, rounds: int = ROUNDS) -> list[Figure]:
    """One page among so many replies at once, against point 0's limits."""
    warm(stack)
    # playwright runs a loop of its own in this thread
    with ThreadPoolExecutor(1) as crowd, browser_page(stack.url) as page:
        _watch_one(stack, page, crowd, 1, Felt())  # the browser's own first time
        found: list[Figure] = []
        for at_once in sizes:
            felt = Felt()
            for _ in range(rounds):
                _watch_one(stack, page, crowd, at_once, felt)
            found += figures(at_once, felt)
    return found


def figures(at_once: int, felt: Felt) -> list[Figure]:
    """What was felt with so many replies at once, in milliseconds."""
    name = f"{at_once} at once: "
    lag, gap = f"{name}text on the screen behind the upstream's", f"{name}gap between paints"

    def ms(seconds: Sequence[float], percent: float) -> float:
        return percentile(seconds, percent) * 1000

    return [
        Figure(f"{lag}, median", ms(felt.lags, 50), "ms", LAG_MEDIAN_MS),
        Figure(f"{lag}, p95", ms(felt.lags, 95), "ms", LAG_P95_MS),
        Figure(f"{name}first word on the screen, median", ms(felt.first_lags, 50), "ms"),
        Figure(f"{gap}, p95", ms(felt.gaps, 95), "ms", GAP_P95_MS),
        Figure(f"{gap}, largest", ms(felt.gaps, 100), "ms"),
    ]


@contextmanager
def browser_page(url: str) -> Iterator[Page]:
    """A page of a Chromium of its own, in Spanish, wide."""
    path = os.environ.get("EPICODE_CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise SystemExit("no Chromium: install one, or name it in EPICODE_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        page = browser.new_page(
            base_url=url, locale="es-ES", viewport={"width": 1280, "height": 860}
        )
        page.set_default_timeout(30_000)
        yield page
        browser.close()


def _watch_one(
    stack: Stack, page: Page, crowd: ThreadPoolExecutor, at_once: int, felt: Felt
) -> None:
    """The page asks in a new conversation, together with the others; its reply is felt."""
    page.goto("/")
    # the model's name comes last: the page is ready then
    expect(page.locator(".model-button")).not_to_have_text("Sin modelo")
    page.evaluate(OBSERVE)
    others = crowd.submit(uvloop.run, settle(stack.url, [None] * (at_once - 1))).result()
    marker = USUAL.marker(uuid.uuid4().hex)
    page.get_by_role("textbox", name="Mensaje", exact=True).fill(f"Cien palabras. {marker}")
    records_of(stack)
    asked = crowd.submit(uvloop.run, converse(stack.url, others))
    page.keyboard.press("Enter")
    expect(page.locator("#transcript .turn-reply")).to_have_attribute(
        "aria-busy", "false", timeout=PATIENCE_MS
    )
    asked.result()
    paints = [
        Paint(at / 1000, words, length) for at, words, length in page.evaluate("window.painted")
    ]
    _, first, last = records_of(stack)[marker][-1]
    felt.add(paints, first, last)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.screen")
    parser.add_argument("--at-once", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each size")
    options = parser.parse_args(arguments)
    with Stack() as stack:
        print(figures_table(measure(stack, options.at_once, options.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
