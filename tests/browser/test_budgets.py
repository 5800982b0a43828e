"""How many bytes the first view costs. Time is the benchmark's matter (bench/browser.py)."""

from collections.abc import Callable

from tests.browser.chat import Chat

KIB = 1024
ALL, JAVASCRIPT = 190 * KIB, 150 * KIB


def test_the_first_view_is_small(open_chat: Callable[..., Chat]) -> None:
    """Over the wire, headers and all, with nothing kept from before."""
    chat = open_chat("/")
    bytes_of = measure(chat)
    assert sum(bytes_of.values()) <= ALL, bytes_of
    assert bytes_of["Script"] <= JAVASCRIPT, bytes_of


def test_what_shows_turns_comes_with_the_first(open_chat: Callable[..., Chat]) -> None:
    """An empty page has no Markdown to read; whoever begins to write will."""
    chat = open_chat("/")
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    chat.reload()
    assert not any("marked" in url for url in asked)
    with chat.page.expect_request_finished(lambda request: "marked" in request.url):
        chat.field.press_sequentially("h")


def measure(chat: Chat) -> dict[str, int]:
    """Bytes by what was asked for: Document, Stylesheet, Script, Fetch, …"""
    protocol = chat.page.context.new_cdp_session(chat.page)
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
    chat.reload()
    chat.page.wait_for_load_state("networkidle")
    totals: dict[str, int] = {}
    for request, size in sizes.items():
        kind = kinds.get(request, "Other")
        totals[kind] = totals.get(kind, 0) + size
    return totals
