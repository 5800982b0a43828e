"""With nobody to answer the page says so, names the command, and goes on when a worker comes."""

from playwright.sync_api import Browser, expect

from tests.browser.chat import Chat
from tests.databases import Databases
from tests.stack import Stack
from tests.upstream import Upstream


def test_a_missing_worker_is_named_until_one_comes(
    chromium: Browser, databases: Databases, upstream: Upstream, marker: str
) -> None:
    with Stack(databases, upstream).start(workers=0) as stack:
        context = chromium.new_context(base_url=stack.url, locale="es-ES")
        chat = Chat(context.new_page())
        chat.open("/")
        chat.send(f"¿hay alguien? {marker}")
        expect(chat.notices).to_contain_text("celery -A worker.app worker")
        expect(chat.reply()).to_contain_text("1.º en la cola")
        stack.start_worker("worker-1")
        expect(chat.text(chat.reply())).to_contain_text("echo:", timeout=15_000)
        expect(chat.notices).to_be_empty()
        context.close()
