"""The way in, one's account, and a session that ends in mid-work."""

import re
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
    alice.open("/")
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
    alice.open("/")
    alice.chat.field.fill("de Alice")
    alice.page.wait_for_timeout(400)
    alice.context.clear_cookies()
    bob = Visitor(alice.context, alice.page, make_person(guarded, "Bob"))
    bob.sign_in()
    bob.open("/")
    expect(bob.chat.field).to_have_value("")

    alice.context.clear_cookies()
    alice.sign_in()
    alice.open("/")
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
