"""Conversations in and out: export as a file, import of a file's content."""

from io import BytesIO

import orjson
from flask import Response, jsonify, send_file
from flask_openapi import APIBlueprint
from flask_openapi.models import MediaType

from common import branches, chatgpt_format, conversations, imports, own_format
from common.db import new_id
from common.idempotency import Made
from common.listings import spent_in
from common.models import Conversation
from common.system_prompt import DEFAULT_SYSTEM_PROMPT
from web import exports, presenters, shapes
from web.auth import current_user_id
from web.database import db
from web.i18n import language
from web.idempotent import once
from web.inputs import ExportQuery, ItemPath, NewImport
from web.services import services

READERS = {"epicode": own_format.read, "chatgpt": chatgpt_format.read}

transfers = APIBlueprint("transfers", __name__, url_prefix="/api", abp_tags=[shapes.CONVERSATIONS])


@transfers.get(
    "/conversations/<id>/export",
    summary="A conversation as a file: the whole tree as JSON, or the branch in view as Markdown",
    responses={200: shapes.ExportedConversation, **shapes.problems(404)},
)
def export_conversation(path: ItemPath, query: ExportQuery) -> Response:
    session = db.session()
    item = conversations.find(session, current_user_id(), path.id)
    if query.format == "json":
        whole = branches.tree(session, item.id, None, None)
        content = orjson.dumps(exports.as_json(item, whole), option=orjson.OPT_INDENT_2)
        kind, ending = "application/json", "json"
    else:
        branch = branches.branch(session, item.id, item.head_message_id, None)
        content = exports.as_markdown(item, branch.messages, language()).encode()
        kind, ending = "text/markdown", "md"
    name = exports.file_name(item, ending)
    return send_file(BytesIO(content), mimetype=kind, as_attachment=True, download_name=name)


@transfers.post(
    "/imports",
    summary="A conversation that EpiCode or ChatGPT exported, with its branches and times",
    responses={201: shapes.Conversation, **shapes.problems()},
)
def import_conversation(body: NewImport) -> Response:
    session, user_id, conversation_id = db.session(), current_user_id(), new_id()

    def write() -> Conversation:
        return imports.write(
            session,
            user_id,
            READERS[body.format](body.conversation),
            conversation_id=conversation_id,
            usual_prompt=DEFAULT_SYSTEM_PROMPT[language()],
            catalogue=services().catalogue,
        )

    made, _ = once(session, Made(conversation_id), write)
    session.commit()
    assert made.conversation_id is not None  # only a call of this path finds its own key
    found = conversations.find(session, user_id, made.conversation_id)
    root = conversations.system_message(session, found.id)
    response = jsonify(presenters.conversation(found, root.content, spent_in(session, found.id)))
    response.status_code = 201
    response.headers["Location"] = f"/api/conversations/{found.id}"
    return response


# flask-openapi knows of JSON only.
_exported = transfers.paths["/api/conversations/{id}/export"].get
_exported.responses["200"].content["text/markdown"] = MediaType(schema={"type": "string"})
