"""What the first view of a page brings over the wire, and what it may bring.

Bytes with their headers, as Chromium counts them, into an empty cache. The benchmark prints them, a
test holds them.
"""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

KIB = 1024
FIRST_VIEW_KIB, JAVASCRIPT_KIB = 190.0, 150.0


def answers(page: Page, load: Callable[[], None]) -> list[tuple[str, int]]:
    """(kind, bytes) of each answer while `load` loads the page; kinds are Document, Script, …"""
    protocol = page.context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    sizes: dict[str, int] = {}
    protocol.on(
        "Network.responseReceived",
        lambda event: kinds.update({event["requestId"]: event["type"]}),
    )
    protocol.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: int(event["encodedDataLength"])}),
    )
    protocol.send("Network.enable")
    protocol.send("Network.setCacheDisabled", {"cacheDisabled": True})
    load()
    page.wait_for_load_state("networkidle")
    protocol.detach()
    return [(kinds.get(request, "Other"), size) for request, size in sizes.items()]
