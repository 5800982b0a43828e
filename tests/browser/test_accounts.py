"""The way in, one's account, and a session that ends in mid-work."""

import re
import uuid
from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.browser.accounts import PASSWORD, Visitor, make_person
from tests.stack import Stack

Visit = Callable[..., Visitor]


def test_a_wrong_password_is_told_and_the_right_one_leads_back(
    visit: Visit, guarded: Stack
) -> None:
    email = make_person(guarded, "Alice")
    alice = visit()
    alice.open("/account#keys-title")
    expect(alice.page).to_have_url(re.compile("/sign-in"))
    expect(alice.field("Correo electrónico")).to_be_focused()

    alice.page.keyboard.press("Enter")
    expect(alice.page.get_by_text("Rellena este campo.")).to_have_count(2)
    alice.fill(Correo_electrónico=email, Contraseña="no es esta")
    alice.page.keyboard.press("Enter")
    expect(alice.page.get_by_role("alert")).to_contain_text("Nadie tiene esa dirección")
    expect(alice.page).to_have_url(re.compile("/sign-in"))

    alice.press("Ver la contraseña")
    expect(alice.field("Contraseña")).to_have_value("no es esta")
    expect(alice.field("Contraseña")).to_have_attribute("type", "text")
    alice.fill(Contraseña=PASSWORD)
    alice.page.keyboard.press("Enter")
    expect(alice.page).to_have_url(re.compile("/account"))
    expect(alice.section("Perfil").get_by_label("Nombre")).to_have_value("Alice")


def test_an_invitation_becomes_an_account_that_can_write(
    visit: Visit, guarded: Stack, marker: str
) -> None:
    administrator = visit("Ada", role="admin")
    administrator.open("/admin")
    administrator.press("Crear la invitación")
    link = administrator.page.get_by_role("textbox", name=re.compile("Copia ahora el enlace"))
    expect(link).to_be_focused()
    address = link.input_value()
    expect(administrator.section("Invitaciones pendientes").get_by_role("row")).to_have_count(2)
    carol = visit()
    carol.open(address)
    carol.fill(Nombre="Carol", Correo_electrónico="no es un correo", Contraseña="corta")
    carol.press("Crear la cuenta")
    expect(carol.field("Contraseña")).to_have_attribute("aria-invalid", "true")
    expect(carol.field("Contraseña")).to_be_focused()

    carol.fill(Correo_electrónico=f"carol-{uuid.uuid4().hex[:8]}@example.org", Contraseña=PASSWORD)
    expect(carol.field("Contraseña")).not_to_have_attribute("aria-invalid", "true")
    carol.press("Crear la cuenta")

    expect(carol.chat.model_button).to_contain_text("gpt-")
    reply = carol.chat.ask(f"hola {marker}")
    expect(carol.chat.text(reply)).to_contain_text("echo:")
    late = visit()
    late.open(address)
    expect(late.chat.title).to_have_text("Esta invitación ya no vale")


def test_a_form_that_is_sent_before_the_script_has_started_waits_for_it(
    visit: Visit, guarded: Stack
) -> None:
    alice = visit()
    alice.email = make_person(guarded, "Alice")
    scripts: list[Route] = []
    alice.page.route("**/js/pages/sign_in.js", lambda route: scripts.append(route))
    alice.page.goto("/sign-in?next=/account", wait_until="commit")
    alice.fill(Correo_electrónico=alice.email, Contraseña=PASSWORD)
    alice.page.keyboard.press("Enter")
    expect(alice.field("Contraseña")).to_have_value(PASSWORD)

    scripts[0].continue_()

    expect(alice.page).to_have_url(re.compile("/account"))


def test_a_session_that_ends_in_mid_work_takes_nothing_away(visit: Visit, marker: str) -> None:
    alice = visit("Alice")
    alice.chat.open("/")
    chat = alice.chat
    chat.ask(f"primera {marker}")
    chat.send(f"segunda {marker}")
    expect(chat.replies).to_have_count(2)
    address = alice.page.url
    chat.field.fill("un borrador sin enviar")

    elsewhere = visit()
    elsewhere.email = alice.email
    elsewhere.sign_in()
    others = [each for each in elsewhere.api("GET", "/api/sessions")["data"] if not each["current"]]
    for session in others:
        elsewhere.api("DELETE", f"/api/sessions/{session['id']}")
    chat.send(f"tercera {marker}")
    chat.field.fill("y un borrador")

    expect(alice.notices).to_contain_text("Tu sesión ha terminado")
    expect(chat.questions).to_have_count(3)
    expect(alice.page.get_by_text("No se ha enviado: tu sesión ha terminado")).to_be_visible()
    alice.notices.get_by_role("link", name="Entrar").click()
    expect(alice.page).to_have_url(re.compile("/sign-in"))
    expect(alice.page.get_by_text("vuelves a donde estabas")).to_be_visible()
    alice.fill(Correo_electrónico=alice.email, Contraseña=PASSWORD)
    alice.page.keyboard.press("Enter")

    expect(alice.page).to_have_url(address)
    expect(chat.field).to_have_value("y un borrador")
    expect(chat.reply(2)).to_contain_text(f"echo: tercera {marker}")
    expect(chat.questions).to_have_count(3)


def test_the_next_person_at_this_browser_finds_no_drafts(visit: Visit, guarded: Stack) -> None:
    alice = visit("Alice")
    alice.chat.open("/")
    alice.chat.field.fill("de Alice")
    alice.context.clear_cookies()
    bob = Visitor(alice.context, alice.page, make_person(guarded, "Bob"))
    bob.sign_in()
    bob.chat.open("/")
    expect(bob.chat.field).to_have_value("")

    alice.context.clear_cookies()
    alice.sign_in()
    alice.chat.open("/")
    expect(alice.chat.field).to_have_value("de Alice")

    alice.open("/account")
    alice.press("Salir")
    expect(alice.page).to_have_url(re.compile("/sign-in"))
    kept = alice.page.evaluate("Object.keys(localStorage).filter((name) => name.includes('draft'))")
    assert kept == []


def test_a_change_of_password_ends_the_other_sessions(visit: Visit) -> None:
    alice, elsewhere = visit("Alice"), visit()
    elsewhere.email = alice.email
    elsewhere.sign_in()
    elsewhere.open("/account")
    alice.open("/account")
    rows = alice.section("Sesiones").get_by_role("row")
    expect(rows).to_have_count(3)

    alice.fill(Contraseña_actual="otra", Contraseña_nueva="una contraseña nueva")
    alice.press("Cambiar la contraseña")
    expect(alice.section("Contraseña").get_by_text("No es tu contraseña.")).to_be_visible()
    expect(alice.field("Contraseña actual")).to_be_focused()
    alice.fill(Contraseña_actual=PASSWORD)
    alice.press("Cambiar la contraseña")

    expect(alice.section("Contraseña")).to_contain_text("Contraseña cambiada")
    expect(rows).to_have_count(2)
    elsewhere.section("Perfil").get_by_label("Nombre").fill("Otra")
    elsewhere.press("Guardar")
    expect(elsewhere.notices).to_contain_text("Tu sesión ha terminado")


def test_a_key_is_shown_once_and_works_until_it_is_revoked(visit: Visit, guarded: Stack) -> None:
    alice = visit("Alice")
    alice.open("/account")
    keys = alice.section("Claves de API")
    keys.get_by_label("Nombre", exact=True).fill("integración")
    keys.get_by_label("escribir").uncheck()
    alice.press("Crear la clave")
    secret = keys.get_by_role("textbox", name=re.compile("Copia ahora"))
    expect(secret).to_be_focused()
    key = secret.input_value()
    bearer = {"Authorization": f"Bearer {key}"}
    with guarded.client(headers=bearer) as program:
        assert program.get("/api/conversations").status_code == 200
        assert program.post("/api/conversations", json={}).status_code == 403

        alice.page.reload()
        expect(keys.get_by_role("row")).to_have_count(2)
        expect(keys).to_contain_text(f"{key[:8]}…")
        assert key not in alice.page.content()

        alice.press("Revocar la clave integración")
        alice.page.get_by_role("dialog").get_by_role("button", name="Revocar").click()
        expect(keys.get_by_text("Todavía no tienes ninguna.")).to_be_visible()
        assert program.get("/api/conversations").status_code == 401


def test_ones_data_can_be_taken_along_and_the_account_ended(visit: Visit, marker: str) -> None:
    alice = visit("Alice")
    alice.chat.open("/")
    alice.chat.ask(f"hola {marker}")
    alice.open("/account")
    expect(alice.section("Uso").get_by_role("row")).to_have_count(2)
    with alice.page.expect_download() as download:
        alice.page.get_by_role("link", name="Descargar mis datos").click()
    assert marker in download.value.path().read_text("utf-8")

    alice.page.get_by_text("Quiero eliminar mi cuenta").click()
    deletion = alice.section("Eliminar la cuenta")
    deletion.get_by_label("Contraseña", exact=True).fill("no es esta")
    alice.press("Eliminar mi cuenta")
    expect(deletion.get_by_text("No es tu contraseña.")).to_be_visible()
    deletion.get_by_label("Contraseña", exact=True).fill(PASSWORD)
    alice.press("Eliminar mi cuenta")
    expect(alice.page).to_have_url(re.compile("/sign-in"))
    answer = alice.context.request.post(
        "/api/session", data={"email": alice.email, "password": PASSWORD}
    )
    assert answer.status == 401


def test_the_language_of_the_account_is_that_of_its_pages(visit: Visit) -> None:
    alice = visit("Alice")
    alice.open("/account")
    alice.page.get_by_label("English").check()
    alice.press("Guardar")
    expect(alice.chat.title).to_have_text("Your account")
    alice.page.get_by_label("Name", exact=True).first.fill("Alice L.")
    alice.press("Save")
    expect(alice.section("Profile").get_by_text("Saved")).to_be_visible()
    alice.page.reload()
    expect(alice.page.get_by_label("Name", exact=True).first).to_have_value("Alice L.")


def test_a_page_speaks_for_nobody_but_whom_it_was_made_for(visit: Visit, guarded: Stack) -> None:
    alice = visit("Alice")
    alice.open("/account")
    profile = alice.section("Perfil")
    alice.sign_in()  # again, as in another tab: the page's token is an old session's
    profile.get_by_label("Nombre").fill("Alice L.")
    alice.press("Guardar")
    expect(profile.get_by_text("Guardado")).to_be_visible()

    bob = Visitor(alice.context, alice.page, make_person(guarded, "Bob"))
    bob.sign_in()
    profile.get_by_label("Nombre").fill("de Alice")
    alice.press("Guardar")
    expect(alice.notices).to_contain_text("Tu sesión ha terminado")
    assert bob.api("GET", "/api/account")["display_name"] == "Bob"

    alice.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(profile.get_by_label("Nombre")).to_have_value("Bob")
    expect(alice.notices).to_be_empty()
