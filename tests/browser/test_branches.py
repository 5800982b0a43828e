"""Editing and regenerating make siblings; nothing is thrown away."""

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.stack import Stack
from tests.upstream import reply


def test_an_edited_turn_is_a_sibling_and_the_old_one_stays(chat: Chat, marker: str) -> None:
    chat.ask(f"uno {marker}")
    chat.ask("dos")
    first = chat.questions.nth(0)
    first.hover()
    first.get_by_role("button", name="Editar y reenviar").click()
    editor = chat.page.get_by_role("textbox", name="Editar el mensaje")
    expect(editor).to_be_focused()
    editor.fill(f"uno, mejor {marker}")
    editor.press("Enter")
    expect(chat.text(chat.reply())).to_have_text(f"echo: uno, mejor {marker}")
    expect(chat.said).to_have_text([f"uno, mejor {marker}"])
    expect(chat.questions.nth(0)).to_contain_text("2 de 2")
    chat.questions.nth(0).get_by_role("button", name="Versión anterior").click()
    expect(chat.said).to_have_text([f"uno {marker}", "dos"])
    expect(chat.questions.nth(0)).to_contain_text("1 de 2")
    expect(chat.questions.nth(0).get_by_role("button", name="Versión siguiente")).to_be_focused()
    chat.reload()
    expect(chat.said).to_have_text([f"uno {marker}", "dos"])


def test_giving_up_an_edit_changes_nothing(chat: Chat, marker: str) -> None:
    chat.ask(f"uno {marker}")
    chat.questions.nth(0).hover()
    edit = chat.questions.nth(0).get_by_role("button", name="Editar y reenviar")
    edit.click()
    chat.page.keyboard.type(" y más")
    chat.page.keyboard.press("Escape")
    expect(chat.said).to_have_text([f"uno {marker}"])
    expect(edit).to_be_focused()


def test_answering_again_adds_a_reply_beside_the_old_one(
    chat: Chat, stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, reply("la primera"), reply("la segunda"))
    chat.ask(f"otra {marker}")
    chat.reply().get_by_role("button", name="Responder otra vez").click()
    expect(chat.text(chat.reply())).to_have_text("la segunda")
    expect(chat.reply()).to_contain_text("2 de 2")
    chat.reply().get_by_role("button", name="Versión anterior").click()
    expect(chat.text(chat.reply())).to_have_text("la primera")
    expect(chat.replies).to_have_count(1)


def test_the_next_turn_goes_to_the_model_that_was_picked(
    chat: Chat, stack: Stack, marker: str
) -> None:
    chat.model_button.click()
    withdrawn = chat.page.locator(".model-item", has_text="retirado").first
    expect(withdrawn).to_be_disabled()
    chat.page.locator(".model-item", has_text="gpt-other").click()
    expect(chat.field).to_be_focused()
    reply = chat.ask(f"con otro {marker}")
    expect(reply.locator(".turn-meta")).to_have_text("gpt-other")
    assert stack.upstream.wait_for(1, marker)[0].model == "gpt-other"
    chat.reload()
    expect(chat.model_button).to_have_text("gpt-other")
