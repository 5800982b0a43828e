"""What goes on in conversations that aren't in view, and messages that wait for the line."""

import re
from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.browser.chat import Chat
from tests.stack import Stack, wait_until
from tests.upstream import Done, End, Gate, Script, Text, failing


def test_a_reply_that_ends_elsewhere_is_marked_in_the_list_and_the_title(
    chat: Chat, stack: Stack, marker: str
) -> None:
    steps = (Text("uno"), Gate(marker), Text(" fin"), End(), Done())
    stack.upstream.script(marker, Script(steps=steps))
    chat.send(f"larga {marker}")
    expect(chat.text(chat.reply())).to_have_text("uno")
    item = chat.list.get_by_role("listitem").first
    expect(item).to_contain_text("respondiendo")
    chat.page.get_by_role("link", name="Nueva conversación").click()
    expect(item).to_contain_text("respondiendo")
    stack.upstream.open(marker)
    expect(item).to_contain_text("respuesta sin leer")
    expect(chat.page).to_have_title(re.compile(r"^\(1\) "))
    expect(chat.status).to_contain_text("Respuesta terminada en")
    chat.reload()
    expect(item).to_contain_text("respuesta sin leer")
    item.get_by_role("link").click()
    expect(chat.text(chat.reply())).to_have_text("uno fin")
    expect(item).not_to_contain_text("respuesta sin leer")
    expect(chat.page).not_to_have_title(re.compile(r"^\("))


def test_whoever_goes_on_before_his_turn_is_accepted_sees_it_answered_in_the_list(
    chat: Chat, stack: Stack, marker: str
) -> None:
    steps = (Gate(marker), Text("sí"), End(), Done())
    stack.upstream.script(marker, Script(steps=steps))
    held: list[Route] = []
    chat.page.route("**/messages", lambda route: held.append(route))
    with chat.page.expect_request("**/messages"):
        chat.send(f"y me voy {marker}")
    chat.page.get_by_role("link", name="Nueva conversación").click()
    item = chat.list.get_by_role("listitem").first
    expect(item).not_to_contain_text("respondiendo")
    held[0].continue_()
    expect(item).to_contain_text("respondiendo")
    stack.upstream.open(marker)
    expect(item).to_contain_text("respuesta sin leer")


def test_what_failed_with_the_page_closed_is_marked_when_it_is_opened(
    chat: Chat, stack: Stack, marker: str
) -> None:
    steps = (Gate(marker), *failing(400, "invalid_request_error").steps)
    stack.upstream.script(marker, Script(steps=steps))
    # whoever leaves at once: the page hasn't heard yet what goes on in all conversations
    states = re.compile(r"/api/jobs\?active=1")
    chat.page.route(states, lambda _: None)
    chat.send(f"falla {marker}")
    item = chat.list.get_by_role("listitem").first
    expect(item).to_contain_text("respondiendo")
    here = chat.page.url.rpartition("/")[2]
    chat.page.goto("about:blank")
    chat.page.unroute(states)
    stack.upstream.open(marker)
    with stack.client() as client:

        def has_failed() -> bool:
            [job] = client.get("/api/jobs", params={"conversation_id": here}).json()["data"]
            return bool(job["status"] == "failed")

        wait_until(has_failed, what="the reply's failure")
    chat.open("/")
    expect(item).to_contain_text("la respuesta ha fallado")


def test_a_message_written_offline_is_sent_once_when_the_line_is_back(
    chat: Chat, stack: Stack, marker: str
) -> None:
    chat.ask(f"antes {marker}")
    chat.page.context.set_offline(True)
    expect(chat.notices).to_contain_text("Sin conexión")
    chat.send(f"sin línea {marker}")
    expect(chat.questions.last).to_contain_text("se enviará cuando vuelva")
    chat.page.get_by_role("link", name="Nueva conversación").click()
    chat.send(f"otra sin línea {marker}")
    expect(chat.questions.last).to_contain_text("se enviará cuando vuelva")
    chat.page.context.set_offline(False)
    expect(chat.notices).not_to_contain_text("Sin conexión")
    expect(chat.text(chat.reply())).to_have_text(f"echo: otra sin línea {marker}")
    assert len(stack.upstream.wait_for(2, f"sin línea {marker}")) == 2
    expect(chat.list.get_by_role("listitem")).to_have_count(2)


def test_it_is_sent_after_the_tab_was_closed_too(
    open_chat: Callable[..., Chat], stack: Stack, marker: str
) -> None:
    chat = open_chat("/")
    chat.ask(f"antes {marker}")
    context = chat.page.context
    context.set_offline(True)
    chat.send(f"sin línea {marker}")
    expect(chat.questions.last).to_contain_text("se enviará cuando vuelva")
    chat.page.close()
    context.set_offline(False)
    later = Chat(context.new_page())
    later.open("/")
    assert len(stack.upstream.wait_for(1, f"sin línea {marker}")) == 1
    later.list.get_by_role("link").click()
    expect(later.said).to_have_text([f"antes {marker}", f"sin línea {marker}"])
