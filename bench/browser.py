"""What the page's own work costs in the browser: painting a reply as it comes, opening a long
conversation, the bytes of the first view.

    python -m bench.browser [--rounds 3]

A real Chromium on the real page. The reply is 100 KB of Markdown with 49 blocks of code, shown by
what shows replies (markdown/live.js in the page's own styles), a piece a poll. A poll's cost is the
main thread's time from its arrival to the frame that shows it: parsing, building, style, layout and
paint. Each poll begins with a frame, so that no waiting for the next one is in it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from bench.figures import Figure, figures_table, percentile
from bench.first_view import FIRST_VIEW_KIB, JAVASCRIPT_KIB, KIB, answers
from bench.screen import browser_page
from bench.stack import Stack
from bench.stored import make_history

ROUNDS = 3
SIZES = (4096, 256)
TURNS = 250  # a question and a reply each
MEAN_MS, P95_MS, OPENING_MS = 25, 100, 300

# One block of code in about 2 KB, with what else replies are made of.
_PART = """## Parte {n}: una cola que no pierde nada

Primero *se reserva* la clave `pedido-{n}` y **después** se cobra; si el proceso muere entre las dos
cosas, el segundo intento [encuentra la clave](https://example.com/{n}) y no cobra otra vez.
{filler}

```python tareas_{n}.py
@app.task(bind=True, acks_late=True, max_retries={n})
def cobrar_{n}(self, pedido_id: str, clave: str) -> Resultado:
    with db.begin() as tx:
        if not tx.reservar(clave):  # ya cobrado
            return tx.resultado(clave)
    try:
        return pasarela.cobrar(pedido_id, idempotency_key=clave)
    except pasarela.Temporal as error:
        espera = min(300, 2 ** self.request.retries) * (0.5 + random())
        raise self.retry(exc=error, countdown=espera)
```

| Fallo | Qué pasa | Veces |
|---|---|--:|
| antes de reservar | se repite | {n} |
| después | se lee el resultado | 1 |

- Un punto con `código` y un enlace a <https://example.com/{n}>
- Otro, que sigue
  1. con una lista dentro
  2. y otra línea

> Una cita de la parte {n}, con **negrita**.

"""
_FILLER = "El retardo crece y se dispersa, para que mil trabajos no vuelvan a la vez. " * 14
FIXTURE = "".join(_PART.format(n=n, filler=_FILLER) for n in range(1, 50))

POLLS = """async ([source, size]) => {
  const { LiveMarkdown } = await import("/static/js/markdown/live.js");
  const root = document.createElement("div");
  root.className = "markdown";
  const turn = document.createElement("article");
  turn.className = "turn turn-reply is-writing";
  turn.setAttribute("aria-busy", "true");
  turn.append(root);
  document.querySelector("#transcript [data-content]").replaceChildren(turn);
  const region = document.getElementById("transcript");
  const live = new LiveMarkdown(root, { t: (key) => key, announce() {} });
  const frame = () => new Promise(requestAnimationFrame);
  const painted = () => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
  let long = 0;
  const watch = new PerformanceObserver((list) => { long += list.getEntries().length; });
  watch.observe({ type: "longtask" });
  const costs = [];
  for (let end = size; end < source.length + size; end += size) {
    await frame();
    const began = performance.now();
    live.show(source.slice(0, end), { ended: end >= source.length });
    region.scrollTop = region.scrollHeight;
    // this task runs after the frame that has just been made
    await painted();
    costs.push(performance.now() - began);
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  watch.disconnect();
  return { costs, long };
}"""

# From the click on a conversation in the list to the frame that shows the end of its last turn.
OPEN = """async (id) => {
  const began = performance.now();
  document.querySelector(`a[href="/c/${id}"]`).click();
  const region = document.getElementById("transcript");
  for (;;) {
    await new Promise(requestAnimationFrame);
    const last = [...region.querySelectorAll(".turn-reply .markdown")].at(-1);
    const isThere = last && last.childElementCount > 0 &&
      region.scrollHeight - region.scrollTop - region.clientHeight < 2;
    if (isThere) break;
  }
  return performance.now() - began;
}"""


@dataclass(frozen=True)
class Polled:
    """The cost of each poll in milliseconds, and how many tasks took more than 50 ms."""

    costs: list[float]
    long_tasks: int


def measure(stack: Stack, rounds: int = ROUNDS) -> list[Figure]:
    """The figures of this section; the first round of each warms and doesn't count."""
    [conversation] = make_history(stack.database, 1, TURNS, FIXTURE[: len(FIXTURE) // 49])
    with browser_page(stack.url) as page:
        figures = _bytes(page)
        openings = [_open(page, conversation) for _ in range(rounds + 1)][1:]
        figures.append(
            Figure(
                f"a conversation of {2 * TURNS} messages opens",
                percentile(openings, 50),
                "ms",
                OPENING_MS,
            )
        )
        for size in SIZES:
            polled = [_poll(page, size) for _ in range(rounds + 1)][1:]
            figures += _poll_figures(size, polled)
    return figures


def _poll_figures(size: int, polled: Sequence[Polled]) -> list[Figure]:
    costs = [cost for each in polled for cost in each.costs]
    name = f"100 KB in polls of {size}: "
    return [
        Figure(f"{name}poll to paint, mean", sum(costs) / len(costs), "ms", MEAN_MS),
        Figure(f"{name}poll to paint, p95", percentile(costs, 95), "ms", P95_MS),
        Figure(f"{name}poll to paint, longest", max(costs), "ms"),
        Figure(f"{name}main thread, whole reply", sum(costs) / len(polled), "ms"),
        Figure(
            f"{name}tasks over 50 ms", sum(each.long_tasks for each in polled) / len(polled), ""
        ),
    ]


def _poll(page: Page, size: int) -> Polled:
    _ready(page, "/")
    result = page.evaluate(POLLS, [FIXTURE, size])
    return Polled(result["costs"], result["long"])


def _open(page: Page, conversation: str) -> float:
    _ready(page, "/")
    # a pointer is there before it clicks, and what shows turns is fetched meanwhile
    page.locator(f'a[href="/c/{conversation}"]').hover()
    page.wait_for_load_state("networkidle")
    return float(page.evaluate(OPEN, conversation))


def _bytes(page: Page) -> list[Figure]:
    """What the first view of `/` brings over the wire."""
    brought = answers(page, lambda: _ready(page, "/"))
    script = sum(size for kind, size in brought if kind == "Script")
    return [
        Figure("first view", sum(size for _, size in brought) / KIB, "KiB", FIRST_VIEW_KIB),
        Figure("first view, of it JavaScript", script / KIB, "KiB", JAVASCRIPT_KIB),
        Figure("first view, requests", len(brought), ""),
    ]


def _ready(page: Page, path: str) -> None:
    page.goto(path)
    # the model's name comes last: the page is ready then
    expect(page.locator(".model-button")).not_to_have_text("Sin modelo")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.browser")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    with Stack() as stack:
        print(figures_table(measure(stack, options.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
