"""Words are found in all conversations, by the keyboard alone."""

from playwright.sync_api import expect

from tests.browser.chat import Chat


def test_what_was_said_last_week_is_found_and_opened_by_the_keyboard(
    chat: Chat, marker: str
) -> None:
    chat.ask(f"Cómo limito el ritmo por usuario {marker}")
    chat.page.keyboard.press("Control+Shift+O")
    expect(chat.title).to_have_text("Nueva conversación")
    expect(chat.field).to_be_focused()
    chat.page.keyboard.press("Control+k")
    search = chat.page.get_by_role("searchbox")
    expect(search).to_be_focused()
    chat.page.keyboard.type("limito el ritmo")
    hits = chat.list.get_by_role("link")
    expect(hits).to_have_count(2)
    expect(hits.last.locator("mark")).to_have_text("limito el ritmo")
    expect(hits.last).to_contain_text("Tú")
    chat.page.keyboard.press("ArrowDown")
    chat.page.keyboard.press("ArrowDown")
    expect(hits.last).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.said).to_have_text([f"Cómo limito el ritmo por usuario {marker}"])
    expect(chat.field).to_be_focused()
    search.fill("nada de esto existe")
    expect(chat.list).to_contain_text("Nada con esas palabras.")
    search.press("Escape")
    expect(chat.list.get_by_role("listitem")).to_have_count(1)
