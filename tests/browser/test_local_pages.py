"""Local mode has no people, but keys, usage and the administrator's view of the machine."""

import re

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.stack import Stack


def test_keys_usage_and_the_machine_are_there_without_accounts(
    chat: Chat, stack: Stack, marker: str
) -> None:
    page = chat.page
    chat.ask(f"hola {marker}")
    page.get_by_role("link", name="Claves y uso").click()
    keys = page.get_by_role("region", name="Claves de API")
    keys.get_by_label("Nombre", exact=True).fill(marker)
    keys.get_by_role("button", name="Crear la clave").click()
    key = keys.get_by_role("textbox", name=re.compile("Copia ahora")).input_value()
    with stack.client(headers={"Authorization": f"Bearer {key}"}) as program:
        assert program.get("/api/conversations").status_code == 200
        keys.get_by_role("button", name=f"Revocar la clave {marker}").click()
        page.get_by_role("dialog").get_by_role("button", name="Revocar").click()
        expect(keys).not_to_contain_text(marker)
        assert program.get("/api/conversations").status_code == 401

    expect(page.get_by_role("region", name="Uso").get_by_role("row")).not_to_have_count(0)
    page.get_by_role("link", name="Administración").click()
    page.get_by_role("link", name="Trabajos").click()
    expect(page.get_by_role("region", name="Trabajos")).to_contain_text("Terminado")
    page.get_by_role("link", name="Sistema").click()
    expect(page.get_by_role("region", name="Trabajadores")).to_contain_text("En línea")
    expect(page.get_by_role("link", name="Personas")).to_have_count(0)
