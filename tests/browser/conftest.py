"""A real Chromium on the real product. Every page is watched: what breaks a rule fails its test."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.accounts import Visitor, make_person
from tests.browser.chat import Chat
from tests.browser.watch import Watch
from tests.databases import Databases
from tests.stack import Stack
from tests.upstream import Upstream

ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HERE = Path(__file__).parent
# Milliseconds: two browsers that look for violations at once leave little for anybody else.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Closed with this folder: its event loop must not outlive the tests that need it."""
    path = os.environ.get("EPICODE_CHROMIUM") or shutil.which("chromium")
    if not path or not Path(path).exists():
        pytest.skip("no Chromium: install the package chromium, or name one in EPICODE_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def marker() -> str:
    """Words for a question that only this test asks, so that the upstream knows it."""
    return f"[[{uuid.uuid4().hex[:8]}]]"


@pytest.fixture
def watch(stack: Stack) -> Iterator[Watch]:
    """Sees dialogs, foreign requests, CSP reports, script errors; none may be left at the end."""
    watch = Watch(stack.url)
    yield watch
    assert watch.complaints == []


@pytest.fixture
def open_chat(chromium: Browser, stack: Stack, watch: Watch) -> Iterator[Callable[..., Chat]]:
    """Opens the page in a browser of its own; what it made is deleted at the end."""
    contexts: list[BrowserContext] = []

    def open_one(path: str = "/", **options: Any) -> Chat:
        settings = {"locale": "es-ES", **DESKTOP, **options}
        context = chromium.new_context(base_url=stack.url, **settings)
        context.set_default_timeout(15_000)
        contexts.append(context)
        watch.over(context)
        chat = Chat(context.new_page())
        chat.open(path)
        return chat

    yield open_one
    for context in contexts:
        context.close()
    with stack.client() as client:
        for conversation in client.get("/api/conversations", params={"limit": 100}).json()["data"]:
            client.delete(f"/api/conversations/{conversation['id']}")


@pytest.fixture
def chat(open_chat: Callable[..., Chat]) -> Chat:
    return open_chat()


@pytest.fixture(scope="package")
def guarded(databases: Databases, upstream: Upstream) -> Iterator[Stack]:
    """The product with accounts, for tests that bring people of their own."""
    with Stack(databases, upstream, {"EPICODE_AUTH": "accounts"}).start() as stack:
        yield stack


@pytest.fixture
def visit(chromium: Browser, guarded: Stack) -> Iterator[Callable[..., Visitor]]:
    """A browser of one's own: with a name, that of a new person who is signed in."""
    contexts: list[BrowserContext] = []
    watch = Watch(guarded.url)

    def come(name: str | None = None, role: str = "member", **options: Any) -> Visitor:
        settings = {"locale": "es-ES", **DESKTOP, **options}
        context = chromium.new_context(base_url=guarded.url, **settings)
        context.set_default_timeout(15_000)
        contexts.append(context)
        watch.over(context)
        visitor = Visitor(context, context.new_page())
        if name is not None:
            visitor.email = make_person(guarded, name, role)
            visitor.sign_in()
        return visitor

    yield come
    for context in contexts:
        context.close()
    assert watch.complaints == []
