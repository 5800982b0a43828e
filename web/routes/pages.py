"""The pages for people: the chat, and the API's documentation."""

import uuid

from flask import Blueprint, Response, current_app, jsonify
from werkzeug.wrappers import Response as AnyResponse

from web.auth import has_accounts, visitor
from web.routes.account_pages import to_sign_in
from web.shell import shell

pages = Blueprint("pages", __name__)


@pages.get("/")
@pages.get("/c/<uuid:conversation_id>")
def chat(conversation_id: uuid.UUID | None = None) -> AnyResponse:
    """One page for every conversation: the browser reads which one from the address."""
    found = visitor() if has_accounts() else None
    if has_accounts() and found is None:
        return to_sign_in()
    return shell("chat.html", visitor=found)


@pages.get("/api/openapi.json")
def openapi() -> Response:
    return jsonify(current_app.api_doc)  # type: ignore[attr-defined]


@pages.get("/api/docs")
def api_docs() -> Response:
    return shell("api_docs.html", api=current_app.api_doc)  # type: ignore[attr-defined]
