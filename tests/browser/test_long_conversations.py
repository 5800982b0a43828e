"""Conversations longer than a page: opened at their end, read upwards, searched by the server."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.browser.long import long_conversation
from tests.stack import Stack

PAGE = 40
TURNS = 60
TOP_OF = "(turn) => Math.round(turn.getBoundingClientRect().top)"


def test_a_long_conversation_is_read_upwards_and_searched(
    open_chat: Callable[..., Chat], stack: Stack
) -> None:
    chat = open_chat(f"/c/{long_conversation(stack, TURNS)}")
    expect(chat.turns).to_have_count(PAGE)
    expect(chat.replies.last).to_be_in_viewport()
    body = chat.page.locator(".turn-body").first
    expect(body).to_have_css("content-visibility", "auto")

    first = chat.turns.first
    identity = first.get_attribute("data-id")
    same = chat.page.locator(f'article[data-id="{identity}"]')
    first.scroll_into_view_if_needed()
    expect(chat.turns).to_have_count(2 * PAGE)
    expect(same).to_be_in_viewport()
    before = same.evaluate(TOP_OF)
    chat.page.wait_for_timeout(200)
    assert abs(same.evaluate(TOP_OF) - before) <= 1

    chat.page.keyboard.press("Control+f")
    field = chat.page.get_by_role("searchbox", name="Buscar en esta conversación")
    expect(field).to_be_focused()
    field.fill("pregunta 7")
    hits = chat.page.locator(".finder-hit")
    expect(hits.last).to_contain_text("pregunta 7")
    count = hits.count()
    field.press("Shift+Enter")
    field.press("Shift+Enter")
    expect(chat.page.locator(".finder-count")).to_have_text(f"{count} de {count}")
    found = chat.page.locator("article.is-found")
    expect(found).to_contain_text("pregunta 7")
    expect(found).to_be_in_viewport()
    expect(field).to_be_focused()
    field.press("Escape")
    expect(chat.field).to_be_focused()


def test_the_divider_offers_to_pin_the_file_that_the_window_dropped(
    open_chat: Callable[..., Chat], stack: Stack, marker: str
) -> None:
    file = "Mira esto\n\n```text traza.log\n" + "una línea\n" * 40 + "```"
    chat = open_chat(f"/c/{long_conversation(stack, TURNS, first=file, words=900)}")
    chat.page.locator(".model-button").click()
    chat.page.locator(".model-item", has_text="gpt-test").click()
    reply = chat.ask(f"¿qué ves? {marker}")
    expect(reply).to_have_attribute("data-rail", "sent")
    ring = chat.page.locator(".ring-button")
    expect(ring).to_have_text(re.compile(r"\d+\s%"))
    chat.reload()
    expect(ring).to_have_text(re.compile(r"\d+\s%"))
    while chat.page.locator("article", has_text="Mira esto").count() == 0:
        chat.turns.first.scroll_into_view_if_needed()
    divider = chat.page.locator(".window-divider")
    expect(divider).to_contain_text("turnos anteriores no se envían al modelo")
    omitted = int(re.findall(r"\d+", divider.inner_text())[0])
    dropped = chat.page.locator("article", has_text="Mira esto")
    expect(dropped).to_have_attribute("data-rail", "omitted")
    divider.get_by_role("button", name="Fijar traza.log").click()
    expect(dropped).to_have_attribute("data-rail", "sent")
    expect(divider).to_contain_text(f"{omitted - 1} turnos")
    expect(divider.get_by_role("button")).to_have_count(0)
    ring.click()
    expect(chat.page.locator(".context-facts")).to_contain_text("1 turno,")
    chat.page.keyboard.press("Escape")
    chat.ask(f"¿y ahora? {marker}")
    before, after = (
        str(stack.upstream.wait_for(1, f"{question} {marker}")[0].messages)
        for question in ("¿qué ves?", "¿y ahora?")
    )
    assert "traza.log" not in before
    assert "traza.log" in after
