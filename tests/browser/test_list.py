"""The list of conversations: new, rename, search, delete."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.chat import Chat


def test_a_conversation_appears_in_the_list_and_is_renamed_in_its_place(
    chat: Chat, marker: str
) -> None:
    chat.ask(f"hola {marker}")
    expect(chat.page).to_have_url(re.compile(r"/c/[0-9a-f-]{36}$"))
    item = chat.list.get_by_role("listitem").first
    expect(item.get_by_role("link")).to_have_attribute("aria-current", "page")
    expect(item).to_contain_text("Sin título")
    item.hover()
    item.get_by_role("button").click()
    item.get_by_role("button", name="Cambiar el título").click()
    field = chat.page.get_by_role("textbox", name="Título de la conversación")
    expect(field).to_be_focused()
    field.fill("Mi cola")
    field.press("Enter")
    expect(chat.title).to_have_text("Mi cola")
    expect(item.get_by_role("link")).to_have_text("Mi cola")
    expect(item.get_by_role("link")).to_be_focused()
    chat.reload()
    expect(chat.title).to_have_text("Mi cola")
    expect(chat.page).to_have_title("Mi cola · EpiCode")


def test_esc_gives_up_a_new_title(chat: Chat, marker: str) -> None:
    chat.ask(f"hola {marker}")
    chat.page.get_by_role("button", name="Opciones de la conversación").click()
    chat.page.locator("#topbar").get_by_role("button", name="Cambiar el título").click()
    chat.page.keyboard.type("Otro")
    chat.page.keyboard.press("Escape")
    expect(chat.title).to_have_text("Sin título")


def test_deleting_asks_first_and_then_shows_a_new_conversation(chat: Chat, marker: str) -> None:
    chat.ask(f"hola {marker}")
    item = chat.list.get_by_role("listitem").first

    def ask_to_delete() -> None:
        item.hover()
        item.get_by_role("button", name="Opciones").click()
        item.get_by_role("button", name="Eliminar").click()

    ask_to_delete()
    dialog = chat.page.get_by_role("dialog", name="¿Eliminar esta conversación?")
    dialog.get_by_role("button", name="Cancelar").click()
    expect(dialog).to_have_count(0)
    expect(item).to_be_visible()
    ask_to_delete()
    dialog.get_by_role("button", name="Eliminar").click()
    expect(chat.list.get_by_role("listitem")).to_have_count(0)
    expect(chat.title).to_have_text("Nueva conversación")
    expect(chat.field).to_be_focused()
    assert chat.page.url.endswith("/")


def test_the_search_finds_by_words(chat: Chat, marker: str) -> None:
    chat.ask(f"hola {marker}")
    search = chat.page.get_by_role("searchbox")
    search.fill("nada de esto existe")
    expect(chat.list).to_contain_text("Nada con esas palabras.")
    search.press("Escape")
    expect(chat.list.get_by_role("listitem")).to_have_count(1)


def test_the_instructions_are_changed_in_a_dialog(chat: Chat, marker: str) -> None:
    chat.ask(f"hola {marker}")
    chat.page.get_by_role("button", name="Opciones de la conversación").click()
    chat.page.get_by_role("button", name="Instrucciones").click()
    dialog = chat.page.get_by_role("dialog", name="Instrucciones para el modelo")
    dialog.get_by_role("textbox").fill("Responde en verso.")
    dialog.get_by_role("button", name="Guardar").click()
    expect(dialog).to_have_count(0)
    chat.page.get_by_role("button", name="Opciones de la conversación").click()
    chat.page.get_by_role("button", name="Instrucciones").click()
    expect(dialog.get_by_role("textbox")).to_have_value("Responde en verso.")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_on_a_phone_the_list_is_a_drawer(open_chat: Callable[..., Chat], marker: str) -> None:
    chat = open_chat("/", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    chat.field.fill(f"hola {marker}")
    chat.page.keyboard.press("Enter")  # a new line on a phone
    chat.page.get_by_role("button", name="Enviar").tap()
    expect(chat.text(chat.reply())).to_contain_text("echo:")
    expect(chat.list).not_to_be_visible()
    chat.page.get_by_role("button", name="Abrir la lista").tap()
    expect(chat.list).to_be_visible()
    chat.page.get_by_role("link", name="Nueva conversación").tap()
    expect(chat.list).not_to_be_visible()
    expect(chat.title).to_have_text("Nueva conversación")
