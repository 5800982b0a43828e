"""Saved system prompts: list, save, change, delete."""

from flask import Response, jsonify
from flask_openapi import APIBlueprint

from common import prompts as rules
from common.db import new_id
from common.idempotency import Made
from web import presenters, shapes
from web.auth import current_user_id
from web.database import db
from web.idempotent import once
from web.inputs import ItemPath, NewPrompt, PromptChange

prompts = APIBlueprint("prompts", __name__, url_prefix="/api/prompts", abp_tags=[shapes.PROMPTS])


@prompts.get(
    "",
    summary="The user's saved system prompts, by name",
    responses={200: shapes.PromptPage, **shapes.problems()},
)
def list_prompts() -> Response:
    listed = rules.listed(db.session(), current_user_id())
    return jsonify({"data": [presenters.prompt(item) for item in listed], "next": None})


@prompts.post(
    "",
    summary="Save a system prompt",
    responses={201: shapes.Prompt, **shapes.problems()},
)
def save_prompt(body: NewPrompt) -> Response:
    session, user_id, prompt_id = db.session(), current_user_id(), new_id()
    made, _ = once(
        session,
        Made(prompt_id=prompt_id),
        lambda: rules.save(
            session, user_id, name=body.name, content=body.content, prompt_id=prompt_id
        ),
    )
    session.commit()
    assert made.prompt_id is not None  # only a call of this path finds its own key
    response = jsonify(presenters.prompt(rules.find(session, user_id, made.prompt_id)))
    response.status_code = 201
    response.headers["Location"] = f"/api/prompts/{made.prompt_id}"
    return response


@prompts.patch(
    "/<id>",
    summary="Rename a saved system prompt, or change its text",
    responses={200: shapes.Prompt, **shapes.problems(404)},
)
def change_prompt(path: ItemPath, body: PromptChange) -> Response:
    session = db.session()
    prompt = rules.change(session, current_user_id(), path.id, name=body.name, content=body.content)
    session.commit()
    return jsonify(presenters.prompt(prompt))


@prompts.delete(
    "/<id>",
    summary="Delete a saved system prompt; conversations that began with it keep it",
    responses={204: None, **shapes.problems(404)},
)
def delete_prompt(path: ItemPath) -> tuple[str, int]:
    rules.remove(db.session(), current_user_id(), path.id)
    db.session.commit()
    return "", 204
