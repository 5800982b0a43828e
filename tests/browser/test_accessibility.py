"""axe-core finds nothing on the list, the menus, the dialogs and the sheets, in every theme and at
every width; fingers find what they aim at, and nothing needs to be scrolled sideways."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.chat import Chat
from tests.stack import Stack
from tests.upstream import reply

CODE = "```python tareas.py\ndef uno():\n    return 1\n```"
ANSWER = f"Así:\n\n{CODE}\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
SIZES = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    # 1280 pixels at 400 %, which WCAG asks for, are as narrow as this
    "narrow": {"viewport": {"width": 320, "height": 640}},
}
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# WCAG 2.2 leaves out what stands inside a sentence, and what only a keyboard sees.
SMALL = """() => [...document.querySelectorAll("button, a, input, select, textarea")]
    .filter((each) => each.checkVisibility({opacityProperty: true, visibilityProperty: true}))
    .filter((each) => !each.closest(".markdown, .visually-hidden, .skip-link, .hint, pre"))
    .map((each) => [each, (each.closest("label") ?? each).getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && box.right > 0 && box.height < 43.5)
    .map(([each]) => each.outerHTML.slice(0, 160))"""


@pytest.mark.parametrize("size", SIZES)
def test_nobody_is_kept_out(
    open_chat: Callable[..., Chat], stack: Stack, marker: str, size: str
) -> None:
    stack.upstream.script(marker, reply(ANSWER))
    chat = open_chat("/", color_scheme="light", reduced_motion="reduce", **SIZES[size])
    page = chat.page
    checked: list[str] = []

    def check(screen: str) -> None:
        checked.append(screen)
        assert violations(page) == [], screen
        page.emulate_media(color_scheme="dark")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        assert violations(page, only_colours=True) == [], f"{screen}, dark"
        page.emulate_media(color_scheme="light")
        assert not page.evaluate(SIDEWAYS), screen
        if size == "phone":
            assert page.evaluate(SMALL) == [], screen

    check("new")
    chat.field.fill(marker)
    page.locator("[data-file-input]").set_input_files(
        [{"name": "traza.log", "mimeType": "text/plain", "buffer": b"x" * 2000}]
    )
    expect(page.locator(".file-chip")).to_be_visible()
    check("file")
    chat.button.click()
    expect(chat.reply()).to_have_attribute("aria-busy", "false")
    check("conversation")
    chat.model_button.click()
    expect(page.locator(".model-menu")).to_be_visible()
    check("models")
    page.keyboard.press("Escape")
    chat.choose("Ajustes de la conversación")
    expect(page.get_by_label("Modelo", exact=True)).to_be_focused()
    check("settings")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Atajos de teclado")).to_be_visible()
    check("shortcuts")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox")).to_be_focused()
    check("list")
    page.keyboard.type("traza")
    expect(chat.list.get_by_role("link")).to_have_count(1)
    check("search")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Ajustes", exact=True).click()
    expect(page.get_by_text("Automático")).to_be_visible()
    check("page settings")
    page.get_by_role("button", name="Importar conversaciones").click()
    expect(page.get_by_label("Archivo", exact=True)).to_be_focused()
    check("import")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    chat.choose("Eliminar")
    expect(chat.notices).to_contain_text("se ha eliminado")
    check("undo")
    assert len(checked) == 11


def test_the_page_stays_usable_at_twice_the_size(chat: Chat, marker: str) -> None:
    _zoom(chat.page, 2)
    chat.ask(f"hola {marker}")
    assert not chat.page.evaluate(SIDEWAYS)
    expect(chat.field).to_be_in_viewport()
    expect(chat.button).to_be_in_viewport()
    expect(chat.title).to_be_in_viewport()


def _zoom(page: Page, factor: int) -> None:
    """As the browser's own zoom does it: so many fewer pixels of CSS on the same screen."""
    page.set_viewport_size({"width": 1280 // factor, "height": 860 // factor})
