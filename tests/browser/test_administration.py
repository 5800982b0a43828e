"""The administrator's page: people, their limits, everybody's jobs, and what does the work."""

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.browser.accounts import Visitor
from tests.stack import Stack
from tests.upstream import Script, Silence, Text, Upstream, reply

Visit = Callable[..., Visitor]


def row_of(visitor: Visitor, section: str, text: str) -> Locator:
    return visitor.section(section).get_by_role("row").filter(has_text=text)


def test_who_is_disabled_is_out_at_once_until_enabled_again(visit: Visit) -> None:
    administrator, bob = visit("Ada", role="admin"), visit("Bob")
    bob.open("/account")
    administrator.open("/admin")
    person = row_of(administrator, "Personas", bob.email)
    person.get_by_role("button", name="Desactivar").click()
    dialog = administrator.page.get_by_role("dialog")
    expect(dialog).to_contain_text("¿Desactivar a Bob?")
    dialog.get_by_role("button", name="Desactivar").click()
    expect(person).to_contain_text("Desactivada")
    expect(person.get_by_role("button", name="Activar")).to_be_focused()

    bob.press("Guardar")
    expect(bob.notices).to_contain_text("Tu sesión ha terminado")
    refused = bob.context.request.get("/api/conversations")
    assert refused.status == 401

    person.get_by_role("button", name="Activar").click()
    expect(person).not_to_contain_text("Desactivada")
    bob.sign_in()


def test_roles_and_limits_are_given_and_hold(visit: Visit, marker: str) -> None:
    administrator, bob = visit("Ada", role="admin"), visit("Bob")
    administrator.open("/admin#people")
    own = row_of(administrator, "Personas", administrator.email)
    expect(own).to_contain_text("Tú")
    expect(own.get_by_role("button", name="Desactivar")).to_have_count(0)

    person = row_of(administrator, "Personas", bob.email)
    expect(person).to_contain_text("Los generales")
    person.get_by_role("button", name="Límites").click()
    dialog = administrator.page.get_by_role("dialog")
    expect(dialog.get_by_label("Mensajes por minuto")).to_be_focused()
    dialog.get_by_label("Tokens al día").fill("0")
    dialog.get_by_role("button", name="Guardar").click()
    expect(person).to_contain_text("1 propio")
    bob.chat.open("/")
    bob.chat.send(f"hola {marker}")
    expect(bob.chat.said).to_have_count(1)
    expect(bob.page.locator("#transcript")).to_contain_text("límite de 0 tokens")

    person.get_by_role("button", name="Dar administración").click()
    expect(person).to_contain_text("Administra")
    bob.sign_in()
    bob.open("/admin")
    expect(bob.chat.title).to_have_text("Administración")


def test_a_member_finds_no_page_of_the_administrators(visit: Visit) -> None:
    bob = visit("Bob")
    bob.open("/account")
    expect(bob.page.get_by_role("link", name="Administración")).to_have_count(0)
    answer = bob.page.goto("/admin")
    assert answer is not None
    assert answer.status == 404
    expect(bob.chat.title).to_have_text("No existe")
    assert bob.context.request.get("/api/admin/users").status == 404


def test_anybodys_job_can_be_cancelled_and_put_back(
    visit: Visit, guarded: Stack, upstream: Upstream, marker: str
) -> None:
    upstream.script(
        marker, Script(steps=(Text("Hasta aquí"), Silence())), reply("Ahora sí, entera.")
    )
    administrator, bob = visit("Ada", role="admin"), visit("Bob")
    bob.chat.open("/")
    bob.chat.send(f"larga {marker}")
    expect(bob.chat.text(bob.chat.reply())).to_have_text("Hasta aquí")

    administrator.open("/admin#jobs")
    job = bob.api("GET", "/api/jobs")["data"][0]["id"]
    row = row_of(administrator, "Trabajos", job)
    expect(row).to_contain_text("Bob")
    expect(row).to_contain_text("En marcha")
    assert marker not in administrator.page.content()
    row.get_by_role("button", name="Cancelar").click()
    expect(row).to_contain_text("Cancelado")
    expect(bob.chat.reply()).to_contain_text("Detenida")

    row.get_by_role("button", name="Reencolar").click()
    expect(administrator.page.get_by_role("status")).to_contain_text("de nuevo en la cola")
    bob.chat.reload()
    expect(bob.chat.text(bob.chat.reply())).to_have_text("Ahora sí, entera.")
    administrator.page.get_by_label("Estado").select_option("completed")
    expect(administrator.section("Trabajos").get_by_role("row").nth(1)).to_contain_text("Terminado")


def test_the_machine_and_everybodys_usage_are_in_view(visit: Visit) -> None:
    administrator = visit("Ada", role="admin")
    administrator.open("/admin#machine")
    expect(administrator.section("Trabajadores")).to_contain_text("En línea")
    expect(administrator.section("Cola")).to_contain_text("Esperan")
    expect(administrator.section("Servidor del modelo")).to_contain_text("127.0.0.1")
    administrator.page.get_by_role("link", name="Uso").click()
    expect(administrator.section("Uso").get_by_role("row").first).to_be_visible()
    expect(administrator.section("Trabajadores")).to_have_count(0)
