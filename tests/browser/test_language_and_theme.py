"""Spanish and English, light and dark."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.chat import Chat


def test_the_language_is_changed_for_page_and_server(chat: Chat) -> None:
    chat.field.fill("se queda")
    chat.page.get_by_role("button", name="Ajustes").click()
    chat.page.get_by_role("radio", name="English").click()
    expect(chat.page.get_by_role("textbox", name="Message")).to_have_value("se queda")
    expect(chat.page.get_by_role("button", name="Settings")).to_be_visible()
    expect(chat.page.locator("html")).to_have_attribute("lang", "en")
    chat.page.goto("/c/00000000-0000-7000-8000-000000000000")
    expect(chat.notices).to_contain_text("nothing at this address")


def test_a_browser_in_english_gets_english(open_chat: Callable[..., Chat]) -> None:
    chat = open_chat("/", locale="en-GB")
    expect(chat.page.get_by_role("link", name="New conversation")).to_be_visible()


def test_the_theme_follows_the_system_until_one_is_chosen(open_chat: Callable[..., Chat]) -> None:
    chat = open_chat("/", color_scheme="dark")
    root = chat.page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    chat.page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-bs-theme", "light")
    chat.page.get_by_role("button", name="Ajustes").click()
    chat.page.get_by_role("radio", name="Oscuro").check()
    expect(root).to_have_attribute("data-bs-theme", "dark")
    chat.reload()
    expect(root).to_have_attribute("data-bs-theme", "dark")
