"""axe-core finds nothing on the transcript's screens, light and dark, wide and on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.chat import Chat
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.test_reading import CODE
from tests.stack import Stack
from tests.upstream import Gate, Script, Text, failing, reply


def test_axe_would_find_something(chat: Chat) -> None:
    chat.page.evaluate("() => document.querySelector('#composer textarea').removeAttribute('id')")
    chat.page.evaluate("() => document.querySelector('html').removeAttribute('lang')")
    assert any(line.startswith("html-has-lang") for line in violations(chat.page))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["wide", "phone"])
def test_the_transcript_has_no_violation(
    open_chat: Callable[..., Chat], stack: Stack, marker: str, theme: str, screen: dict[str, object]
) -> None:
    chat = open_chat("/", color_scheme=theme, **screen)
    is_phone = screen is PHONE
    found = {"empty": violations(chat.page)}

    def say(text: str) -> None:
        chat.field.fill(text)
        chat.button.click() if is_phone else chat.page.keyboard.press("Enter")

    file = "```text traza.log\nuna línea\n```"
    table = "\n\n| a | b |\n|---|--:|\n| 1 | ![x](https://evil.example/x.png) |\n"
    stack.upstream.script(f"{marker}1", reply(CODE + table))
    say(f"{marker}1\n\n{file}")
    expect(chat.reply()).to_have_attribute("aria-busy", "false")
    stack.upstream.script(f"{marker}2", failing(401, "invalid_api_key"))
    say(f"{marker}2")
    expect(chat.reply(1)).to_contain_text("Clave del modelo rechazada")
    stack.upstream.script(f"{marker}3", Script(steps=(Text("Empieza"), Gate(marker))))
    say(f"{marker}3")
    expect(chat.text(chat.reply(2))).to_have_text("Empieza")
    found["written, failed and being written"] = violations(chat.page)
    chat.questions.first.get_by_role("button", name="Fijado").click()
    expect(chat.questions.first).to_contain_text("Fijado")
    chat.questions.first.locator("summary").click()
    chat.page.locator(".ring-button").click()
    found["pinned, with the ring's figures"] = violations(chat.page)
    chat.page.keyboard.press("Escape")
    chat.page.keyboard.press("Escape")
    chat.reply().get_by_role("button", name="Más sobre esta respuesta").click()
    found["the menu of a reply"] = violations(chat.page)
    chat.reply().get_by_role("button", name="gpt-other", exact=True).click()
    expect(chat.reply()).to_contain_text("2 de 2")
    chat.reply().get_by_role("button", name="Más sobre esta respuesta").click()
    chat.reply().get_by_role("button", name="Ver las versiones lado a lado").click()
    expect(chat.page.locator(".comparison-column")).to_have_count(2)
    found["side by side"] = violations(chat.page)
    chat.page.locator("#topbar [data-menu] > button").click()
    chat.page.get_by_role("button", name="Buscar aquí").click()
    # it is fetched when first wanted
    expect(chat.page.get_by_label("Buscar en esta conversación")).to_be_focused()
    chat.page.keyboard.type(marker)
    expect(chat.page.locator(".finder-hit").first).to_be_visible()
    found["finding"] = violations(chat.page)
    assert {place: lines for place, lines in found.items() if lines} == {}
