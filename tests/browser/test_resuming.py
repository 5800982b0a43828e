"""Reloads, lost lines and lost attempts: what was said is never lost, nor said twice."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.stack import Stack
from tests.upstream import Cut, Done, End, Gate, Script, Text

FIRST, REST = "La primera parte, ", "y la segunda."


def gated(name: str, first: str = FIRST, rest: str = REST) -> Script:
    return Script(steps=(Text(first), Gate(name), Text(rest), End(), Done()))


def test_a_reload_in_mid_reply_goes_on_exactly(chat: Chat, stack: Stack, marker: str) -> None:
    stack.upstream.script(marker, gated(marker))
    chat.send(f"larga {marker}")
    expect(chat.text(chat.reply())).to_have_text(FIRST.strip())
    chat.reload()
    expect(chat.text(chat.reply())).to_have_text(FIRST.strip())
    expect(chat.reply()).to_have_attribute("data-rail", "writing")
    stack.upstream.open(marker)
    expect(chat.text(chat.reply())).to_have_text(FIRST + REST)
    assert len(stack.upstream.wait_for(1, marker)) == 1


def test_a_reply_ends_with_the_tab_closed(
    open_chat: Callable[..., Chat], stack: Stack, marker: str
) -> None:
    chat = open_chat()
    stack.upstream.script(marker, gated(marker))
    chat.send(f"larga {marker}")
    expect(chat.text(chat.reply())).to_have_text(FIRST.strip())
    address = chat.page.url
    chat.page.close()
    stack.upstream.open(marker)
    later = open_chat(address)
    expect(later.text(later.reply())).to_have_text(FIRST + REST)


def test_a_lost_line_is_said_calmly_and_the_reply_catches_up(
    chat: Chat, stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, gated(marker))
    chat.send(f"larga {marker}")
    expect(chat.text(chat.reply())).to_have_text(FIRST.strip())
    chat.page.context.set_offline(True)
    expect(chat.notices).to_contain_text("Sin conexión")
    stack.upstream.open(marker)
    chat.page.context.set_offline(False)
    expect(chat.text(chat.reply())).to_have_text(FIRST + REST)
    expect(chat.notices).to_be_empty()


def test_a_lost_attempt_fades_until_the_new_one_speaks(
    chat: Chat, stack: Stack, marker: str
) -> None:
    lost = Script(steps=(Text("Intento perdido"), Gate(f"{marker} cut"), Cut()))
    silent = (Gate(f"{marker} speak"), Text("Intento "), Gate(marker), Text("bueno"), End(), Done())
    stack.upstream.script(marker, lost, Script(steps=silent))
    chat.send(f"corta {marker}")
    text = chat.text(chat.reply())
    expect(text).to_have_text("Intento perdido")
    stack.upstream.open(f"{marker} cut")
    stack.upstream.wait_at(f"{marker} speak")
    expect(text).to_have_class("markdown is-faded")
    expect(text).to_have_text("Intento perdido")
    stack.upstream.open(f"{marker} speak")
    expect(text).to_have_text("Intento")
    expect(text).to_have_class("markdown")
    expect(chat.reply()).to_contain_text("Intento 2 de 3")
    expect(chat.reply()).to_contain_text("el 1.º se cortó")
    stack.upstream.open(marker)
    expect(text).to_have_text("Intento bueno")


def test_a_reply_may_be_read_in_two_tabs(
    open_chat: Callable[..., Chat], stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, gated(marker))
    one = open_chat()
    one.send(f"dos pestañas {marker}")
    expect(one.text(one.reply())).to_have_text(FIRST.strip())
    other = open_chat(one.page.url)
    expect(other.text(other.reply())).to_have_text(FIRST.strip())
    stack.upstream.open(marker)
    for tab in (one, other):
        expect(tab.text(tab.reply())).to_have_text(FIRST + REST)


def test_an_address_of_nobody_leads_to_a_new_conversation(chat: Chat) -> None:
    chat.page.goto("/c/00000000-0000-7000-8000-000000000000")
    expect(chat.notices).to_contain_text("No hay nada aquí")
    expect(chat.title).to_have_text("Nueva conversación")
    assert chat.page.url.endswith("/")
