"""The shell of a page: its template in the reader's language, and what its script starts from."""

from functools import partial
from typing import Any

from flask import Response, make_response, render_template, url_for

from web.auth import Visitor
from web.i18n import language, translate
from web.services import services


def shell(
    template: str,
    *,
    visitor: Visitor | None = None,
    boot: dict[str, Any] | None = None,
    **more: Any,
) -> Response:
    """The page for this visitor, None being nobody in particular. `boot` is added to what every
    script is given; `more` is for the template alone."""
    lang = language()
    starting = {
        "lang": lang,
        "notice": services().config.EPICODE_NOTICE,
        "auth": services().config.EPICODE_AUTH,
        "catalogue_url": url_for("static", filename=f"i18n/{lang}.json"),
        "user": _user(visitor),
        "csrf_token": visitor.csrf_token if visitor else None,
    }
    page = render_template(
        template, lang=lang, t=partial(translate, lang), boot=starting | (boot or {}), **more
    )
    response = make_response(page)
    # a page that names its visitor is nobody else's, nor the next visitor's of this browser
    response.headers["Cache-Control"] = "no-store" if visitor else "no-cache"
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response


def _user(visitor: Visitor | None) -> dict[str, str] | None:
    if visitor is None:
        return None
    return {
        "id": str(visitor.id),
        "email": visitor.email,
        "display_name": visitor.display_name,
        "role": visitor.role,
        "locale": visitor.locale,
    }
