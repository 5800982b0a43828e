"""The pages of accounts keep nobody out: axe-core finds nothing, in either theme and at either
width, with something in every list; a finger finds what it aims at; nothing moves sideways."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accounts import Visitor
from tests.browser.axe import violations
from tests.browser.conftest import DESKTOP, PHONE

NARROW = {"width": 320, "height": 640}
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# WCAG 2.2 leaves out what stands inside a sentence, and what only a keyboard sees.
SMALL = """() => [...document.querySelectorAll("a, button, input, select, summary")]
    .filter((each) => each.checkVisibility() && !each.closest("p, .skip-link"))
    .map((each) => [each, (each.closest("label") ?? each).getBoundingClientRect()])
    .filter(([, box]) => box.height > 0 && box.height < 43.5)
    .map(([each]) => each.outerHTML.slice(0, 160))"""


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_nobody_is_kept_out(visit: Callable[..., Visitor], size: dict[str, Any]) -> None:
    nobody, administrator = visit(**size), visit("Ada", role="admin", **size)
    administrator.api("POST", "/api/keys", {"name": "integración"})
    invited = administrator.api("POST", "/api/admin/invitations", {"role": "member"})
    asked = administrator.api("POST", "/api/ask", {"content": "hola"})

    nobody.open("/sign-in?next=/account")
    nobody.press("Entrar")
    check(nobody.page, "Rellena este campo.")
    nobody.open(invited["url"])
    check(nobody.page, "Te han invitado")
    nobody.open("/nowhere")
    check(nobody.page, "No existe")
    administrator.open("/account")
    administrator.page.get_by_text("Quiero eliminar mi cuenta").click()
    check(administrator.page, "integración")
    administrator.open("/admin")
    check(administrator.page, "Quien tenga el enlace")
    for part, says in {"usage": "Ada", "jobs": asked["id"], "machine": "En línea"}.items():
        administrator.open(f"/admin#{part}")
        check(administrator.page, says)


def check(page: Page, says: str) -> None:
    """Of the page as it is once it says this."""
    expect(page.get_by_text(says).filter(visible=True).first).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
        assert violations(page) == [], f"{page.url}, {theme}"
    if page.evaluate("matchMedia('(pointer: coarse)').matches"):
        assert page.evaluate(SMALL) == [], page.url
        wide = page.viewport_size
        assert wide is not None
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        assert not page.evaluate(SIDEWAYS), page.url
        page.set_viewport_size(wide)
