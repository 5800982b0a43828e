"""The same question to several models: side by side, and one is chosen to go on with."""

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.stack import Stack
from tests.upstream import reply


def test_a_question_goes_to_two_models_and_one_is_chosen(
    chat: Chat, stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, lambda body: reply(f"Soy {body['model']}"))
    chat.model_button.click()
    chat.page.get_by_role("button", name="Preguntar a varios modelos…").click()
    dialog = chat.page.get_by_role("dialog", name="¿Qué modelos responden?")
    for model in ("gpt-other", "gpt-test"):
        dialog.get_by_role("checkbox", name=model).check()
    dialog.get_by_role("button", name="Comparar").click()
    expect(chat.page.locator(".together")).to_contain_text("gpt-other, gpt-test")
    expect(chat.field).to_be_focused()

    chat.send(f"¿quién eres? {marker}")
    columns = chat.page.locator(".comparison-column")
    expect(columns).to_have_count(2)
    expect(columns.locator(".markdown")).to_have_text(["Soy gpt-other", "Soy gpt-test"])
    places = columns.evaluate_all(
        "(all) => all.map((each) => each.getBoundingClientRect().toJSON())"
    )
    assert places[0]["right"] <= places[1]["left"]
    assert abs(places[0]["top"] - places[1]["top"]) <= 1

    columns.nth(0).get_by_role("button", name="Seguir con esta").click()
    expect(columns).to_have_count(0)
    expect(chat.text(chat.reply())).to_have_text("Soy gpt-other")
    expect(chat.reply()).to_contain_text("1 de 2")
    expect(chat.field).to_be_focused()
    chat.ask("sigue")
    assert stack.upstream.wait_for(1, "sigue")[-1].messages[-2]["content"] == "Soy gpt-other"


def test_another_model_answers_again_and_the_versions_stand_side_by_side(
    chat: Chat, stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, lambda body: reply(f"Soy {body['model']}"))
    chat.ask(f"¿quién? {marker}")
    chat.reply().get_by_role("button", name="Más sobre esta respuesta").click()
    chat.reply().get_by_role("button", name="gpt-other", exact=True).click()
    expect(chat.text(chat.reply())).to_have_text("Soy gpt-other")
    expect(chat.reply()).to_contain_text("2 de 2")
    chat.reply().get_by_role("button", name="Más sobre esta respuesta").click()
    chat.reply().get_by_role("button", name="Ver las versiones lado a lado").click()
    expect(chat.page.locator(".comparison-column")).to_have_count(2)
    chat.page.get_by_role("button", name="Dejar de comparar").click()
    expect(chat.text(chat.reply())).to_have_text("Soy gpt-other")
