"""The pages for people: the chat, and the API's documentation."""

import uuid
from functools import partial

from flask import Blueprint, Response, current_app, jsonify, make_response, render_template, url_for

from web.i18n import language, translate
from web.services import services

pages = Blueprint("pages", __name__)


@pages.get("/")
@pages.get("/c/<uuid:conversation_id>")
def chat(conversation_id: uuid.UUID | None = None) -> Response:
    """One page for every conversation: the browser reads which one from the address."""
    lang = language()
    boot = {
        "lang": lang,
        "notice": services().config.EPICODE_NOTICE,
        "auth": services().config.EPICODE_AUTH,
        "catalogue_url": url_for("static", filename=f"i18n/{lang}.json"),
    }
    page = render_template("chat.html", lang=lang, t=partial(translate, lang), boot=boot)
    return _fresh(page)


@pages.get("/api/openapi.json")
def openapi() -> Response:
    return jsonify(current_app.api_doc)  # type: ignore[attr-defined]


@pages.get("/api/docs")
def api_docs() -> Response:
    lang = language()
    document = current_app.api_doc  # type: ignore[attr-defined]
    page = render_template("api_docs.html", lang=lang, t=partial(translate, lang), api=document)
    return _fresh(page)


def _fresh(page: str) -> Response:
    response = make_response(page)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response
