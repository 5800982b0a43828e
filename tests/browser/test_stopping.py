"""Stop keeps what was said, by button and by Esc, and failures say why."""

import pytest
from playwright.sync_api import expect

from tests.browser.chat import SEND, STOP, Chat
from tests.stack import Stack
from tests.upstream import Gate, Script, Silence, Text, failing


@pytest.mark.parametrize("way", ["button", "key"])
def test_stop_keeps_what_was_said(chat: Chat, stack: Stack, marker: str, way: str) -> None:
    stack.upstream.script(marker, Script(steps=(Text("Hasta aquí"), Silence())))
    chat.send(f"larga {marker}")
    expect(chat.text(chat.reply())).to_have_text("Hasta aquí")
    if way == "button":
        chat.page.get_by_role("button", name=STOP).click()
    else:
        chat.page.keyboard.press("Escape")
    expect(chat.reply()).to_contain_text("Detenida. Se conserva lo dicho hasta aquí.")
    expect(chat.button).to_have_text(SEND)
    chat.reload()
    expect(chat.text(chat.reply())).to_have_text("Hasta aquí")
    expect(chat.reply()).to_contain_text("Detenida. Se conserva lo dicho hasta aquí.")
    assert stack.upstream.wait_closed(stack.upstream.wait_for(1, marker)[0])


def test_what_is_typed_meanwhile_turns_stop_into_send(
    chat: Chat, stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, Script(steps=(Text("Hasta aquí"), Gate(marker))))
    chat.send(f"larga {marker}")
    expect(chat.button).to_have_text(STOP)
    chat.field.fill("y además")
    expect(chat.button).to_have_text(SEND)
    chat.field.fill("")
    expect(chat.button).to_have_text(STOP)
    chat.page.keyboard.press("Escape")
    expect(chat.reply()).to_contain_text("Detenida")


def test_esc_closes_menus_and_dialogs_before_it_stops_a_reply(
    chat: Chat, stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, Script(steps=(Text("Hasta aquí"), Gate(marker))))
    chat.send(f"larga {marker}")
    expect(chat.text(chat.reply())).to_have_text("Hasta aquí")
    menu = chat.page.locator(".model-menu")
    chat.model_button.click()
    expect(menu).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()
    chat.choose("Ajustes de la conversación")
    dialog = chat.page.get_by_role("dialog")
    expect(dialog.get_by_label("Modelo", exact=True)).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    chat.page.wait_for_timeout(300)
    expect(chat.button).to_have_text(STOP)
    chat.page.keyboard.press("Escape")
    expect(chat.reply()).to_contain_text("Detenida")


def test_a_failed_reply_says_why_and_can_be_tried_again(
    chat: Chat, stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, failing(401, "invalid_api_key"))
    reply = chat.ask(f"falla {marker}")
    expect(reply).to_contain_text("Clave del modelo rechazada")
    expect(chat.status).to_contain_text("Clave del modelo rechazada")
    stack.upstream.script(marker, lambda body: stack.upstream.default(body))
    reply.get_by_role("button", name="Reintentar").click()
    expect(chat.text(chat.reply())).to_have_text(f"echo: falla {marker}")
    expect(chat.reply()).to_contain_text("2 de 2")
