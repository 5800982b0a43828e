"""The settings of a conversation, saved instructions, export and import."""

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.stack import Stack


def test_settings_hold_from_before_the_first_message_on(
    chat: Chat, stack: Stack, marker: str
) -> None:
    chat.choose("Ajustes de la conversación")
    dialog = chat.page.get_by_role("dialog", name="Ajustes de la conversación")
    text = dialog.get_by_label("Instrucciones para el modelo")
    text.fill("Responde en verso.")
    dialog.get_by_label("Nombre para guardarlas").fill("Verso")
    dialog.get_by_label("Nombre para guardarlas").press("Enter")
    expect(dialog.get_by_role("status")).to_have_text("Guardadas como «Verso».")
    dialog.get_by_label("Temperatura").fill("0.5")
    dialog.get_by_role("button", name="Guardar", exact=True).click()
    expect(dialog).to_have_count(0)
    chat.ask(f"hola {marker}")
    body = stack.upstream.wait_for(1, marker)[0].body
    assert body["messages"][0]["content"] == "Responde en verso."
    assert body["temperature"] == 0.5
    chat.choose("Ajustes de la conversación")
    text.fill("Otra cosa.")
    saved = dialog.get_by_label("Instrucciones guardadas")
    saved.select_option(label="Verso")
    expect(text).to_have_value("Responde en verso.")
    dialog.get_by_role("button", name="Borrar").click()
    expect(dialog.get_by_role("status")).to_have_text("Instrucciones borradas.")
    dialog.get_by_label("Temperatura").fill("")
    dialog.get_by_role("button", name="Guardar", exact=True).click()
    expect(dialog).to_have_count(0)
    chat.ask(f"otra vez {marker}")
    assert "temperature" not in stack.upstream.wait_for(2, marker)[-1].body


def test_a_conversation_goes_out_as_a_file_and_comes_back(
    chat: Chat, marker: str, tmp_path: Path
) -> None:
    chat.ask(f"hola {marker}")

    def export(kind: str) -> Path:
        chat.page.get_by_role("button", name="Exportar").click()
        with chat.page.expect_download() as download:
            chat.page.get_by_role("link", name=kind).click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        return file

    assert f"hola {marker}" in export("Markdown").read_text(encoding="utf-8")
    ours = export("JSON")
    two = tmp_path / "dos.json"
    conversation = json.loads(ours.read_text(encoding="utf-8"))
    named = {**conversation, "title": "Otra vez", "title_source": "person"}
    two.write_text(json.dumps([conversation, named]))
    chat.page.get_by_role("button", name="Ajustes", exact=True).click()
    chat.page.get_by_role("button", name="Importar conversaciones").click()
    dialog = chat.page.get_by_role("dialog", name="Importar conversaciones")
    file = dialog.get_by_label("Archivo")
    file.set_input_files(__file__)
    expect(dialog.get_by_role("status")).to_contain_text("no contiene conversaciones")
    file.set_input_files(two)
    expect(dialog.get_by_role("status")).to_have_text("2 conversaciones importadas.")
    dialog.get_by_role("button", name="Cerrar").click()
    expect(chat.list.get_by_role("listitem")).to_have_count(3)
    chat.list.get_by_role("link", name="Otra vez").click()
    expect(chat.said).to_have_text([f"hola {marker}"])
