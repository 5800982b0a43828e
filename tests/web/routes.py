"""Every documented route as a request that works: for tests that walk the OpenAPI document.

A new route makes these tests fail until it is told here what it needs.
"""

import re
import uuid
from typing import Any

from flask_openapi import OpenAPI

from tests.web.contract import Contract
from tests.web.people import Person

# What a key has none of: tests/web/test_who_may.py walks these, with people who have signed in.
OF_PEOPLE = ("session", "sessions", "account", "keys", "admin")

# The smallest body of each kind that is accepted.
BODIES: dict[str, dict[str, Any]] = {
    "NewConversation": {},
    "ConversationChange": {"title": "otro"},
    "NewMessage": {"content": "hola"},
    "NewReply": {},
    "MessageChange": {"in_window": "auto"},
    "Question": {"content": "hola"},
    "NewPrompt": {"name": "breve", "content": "Sé breve."},
    "NewImport": {
        "format": "epicode",
        "conversation": {
            "format": "epicode",
            "version": 1,
            "created_at": "2024-05-01T10:00:00Z",
            "updated_at": "2024-05-01T10:00:00Z",
            "messages": [],
        },
    },
    "PromptChange": {"name": "otro"},
    "SignIn": {"email": "nobody@example.org", "password": "not a password"},
    "Joining": {
        "token": "none",
        "email": "nobody@example.org",
        "display_name": "Nobody",
        "password": "not a password",
    },
    "AccountChange": {"display_name": "otro"},
    "AccountDeletion": {"password": "not a password"},
    "NewKey": {"name": "laptop"},
    "NewInvitation": {},
    "UserChange": {"limits": {"posts_minute": 30}},
    "PasswordChange": {"current_password": "not a password", "new_password": "none either"},
}


def belongings(owner: Person) -> dict[str, str]:
    """Ids of a fresh conversation of this person, a turn in it, its job, and a saved prompt, by
    their noun."""
    prompt = owner.post("/api/prompts", json=BODIES["NewPrompt"]).get_json()
    turn = owner.say(owner.converse()["id"])
    job = turn["job"]
    return {
        "conversations": job["conversation_id"],
        "messages": job["prompt_message_id"],
        "jobs": job["id"],
        "prompts": prompt["id"],
    }


# What a path can't be asked without.
QUERIES = {"/api/search": "?q=hola"}


def filled(path: str, ids: dict[str, str]) -> str:
    """The path with the id of its noun, if it names one, and with the query that it needs."""
    if "{id}" not in path:
        return path + QUERIES.get(path, "")
    noun = path.split("/")[2]
    if noun in OF_PEOPLE and noun not in ids:
        return with_random_id(path)
    assert noun in ids, f"tell tests/web/routes.py what to put into {path}"
    return path.replace("{id}", ids[noun])


def is_of_people(path: str) -> bool:
    return path.startswith("/api/") and path.split("/")[2] in OF_PEOPLE


def may_answer(path: str) -> set[int]:
    """What a key may be answered, whatever it sends there: people's routes refuse it."""
    return {200, 201, 202, 422} | ({403, 404, 409} if is_of_people(path) else set())


def changing(app: OpenAPI) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation that may have a body: (verb, path, operation)."""
    return [item for item in Contract(app.api_doc).operations() if item[0] in ("POST", "PATCH")]


def with_random_id(path: str) -> str:
    return path.replace("{id}", str(uuid.uuid4()))


def body_of(operation: dict[str, Any]) -> dict[str, Any] | None:
    """A body that this operation accepts; None where it takes none."""
    name = body_name(operation)
    if name is None:
        return None
    assert name in BODIES, f"tell tests/web/routes.py the smallest {name}"
    return BODIES[name]


def body_name(operation: dict[str, Any]) -> str | None:
    if "requestBody" not in operation:
        return None
    reference: str = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return reference.rsplit("/")[-1]


def query_names(operation: dict[str, Any]) -> list[str]:
    return [item["name"] for item in operation.get("parameters", []) if item["in"] == "query"]


def without_request_id(body: bytes) -> bytes:
    """A problem's bytes but for the one thing that always differs."""
    return re.sub(rb"req_[0-9a-f]+", b"req_", body)
