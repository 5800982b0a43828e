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


def test_deleting_can_be_undone_and_is_true_in_the_end(chat: Chat, marker: str) -> None:
    chat.ask(f"hola {marker}")
    chat.choose("Eliminar")
    expect(chat.list.get_by_role("listitem")).to_have_count(0)
    expect(chat.title).to_have_text("Nueva conversación")
    chat.notices.get_by_role("button", name="Deshacer").click()
    expect(chat.said).to_have_text([f"hola {marker}"])
    expect(chat.list.get_by_role("listitem")).to_have_count(1)
    chat.choose("Eliminar")
    with chat.page.expect_request(lambda request: request.method == "DELETE"):
        chat.notices.get_by_role("button", name="Cerrar").click()
    chat.reload()
    expect(chat.list).to_contain_text("Aquí aparecerán tus conversaciones.")


def test_what_was_deleted_in_a_tab_that_was_closed_is_deleted(chat: Chat, marker: str) -> None:
    chat.ask(f"hola {marker}")
    chat.choose("Eliminar")
    expect(chat.notices).to_contain_text("se ha eliminado")
    with chat.page.expect_request(lambda request: request.method == "DELETE"):
        chat.page.reload()
    expect(chat.list).to_contain_text("Aquí aparecerán tus conversaciones.")


def test_a_conversation_is_pinned_archived_and_found_in_the_archive(
    chat: Chat, marker: str
) -> None:
    chat.ask(f"uno {marker}")
    chat.choose("Fijar arriba")
    expect(chat.list.get_by_role("region", name="Fijadas").get_by_role("listitem")).to_have_count(1)
    chat.page.get_by_role("link", name="Nueva conversación").click()
    chat.ask(f"dos {marker}")
    expect(chat.list.get_by_role("region", name="Hoy").get_by_role("listitem")).to_have_count(1)
    chat.choose("Archivar")
    expect(chat.list.get_by_role("listitem")).to_have_count(1)
    expect(chat.notices).to_contain_text("Conversación archivada")
    chat.list.get_by_role("button", name="Ver las archivadas").click()
    expect(chat.list.get_by_role("link")).to_have_attribute("aria-current", "page")
    chat.choose("Sacar del archivo")
    expect(chat.list).to_contain_text("No has archivado ninguna.")
    chat.list.get_by_role("button", name="Volver a las conversaciones").click()
    expect(chat.list.get_by_role("listitem")).to_have_count(2)


def test_the_search_finds_by_words(chat: Chat, marker: str) -> None:
    chat.ask(f"hola {marker}")
    search = chat.page.get_by_role("searchbox")
    search.fill("nada de esto existe")
    expect(chat.list).to_contain_text("Nada con esas palabras.")
    search.press("Escape")
    expect(chat.list.get_by_role("listitem")).to_have_count(1)


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
