"""How many bytes the first view costs. Time is the benchmark's matter (bench/browser.py)."""

from collections.abc import Callable

from bench.first_view import FIRST_VIEW_KIB, JAVASCRIPT_KIB, KIB, answers
from tests.browser.chat import Chat


def test_the_first_view_is_small(open_chat: Callable[..., Chat]) -> None:
    """Over the wire, headers and all, with nothing kept from before."""
    chat = open_chat("/")
    brought = answers(chat.page, chat.reload)
    assert sum(size for _, size in brought) <= FIRST_VIEW_KIB * KIB, brought
    scripts = [size for kind, size in brought if kind == "Script"]
    assert scripts
    assert sum(scripts) <= JAVASCRIPT_KIB * KIB, brought


def test_what_shows_turns_comes_with_the_first(open_chat: Callable[..., Chat]) -> None:
    """An empty page has no Markdown to read; whoever begins to write will."""
    chat = open_chat("/")
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    chat.reload()
    assert not any("marked" in url for url in asked)
    with chat.page.expect_request_finished(lambda request: "marked" in request.url):
        chat.field.press_sequentially("h")
