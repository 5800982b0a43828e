"""A long conversation that was there before: imported, as a person would bring one along."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.stack import Stack

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def long_conversation(stack: Stack, turns: int, *, first: str = "", words: int = 0) -> str:
    """Its id. Questions say "pregunta N" and replies "respuesta N", with so many words more; the
    first question says `first`."""
    messages: list[dict[str, Any]] = []
    for number in range(1, turns + 1):
        question = first if number == 1 and first else f"pregunta {number}"
        reply = f"respuesta {number}" + " palabra" * words
        for role, content in (("user", question), ("assistant", reply)):
            parent = messages[-1]["id"] if messages else None
            at = BEGINNING + timedelta(minutes=len(messages))
            messages.append(
                {
                    "id": f"{role}-{number}",
                    "parent_id": parent,
                    "role": role,
                    "content": content,
                    "created_at": at.isoformat(),
                }
            )
    conversation = {
        "format": "epicode",
        "version": 1,
        "title": "Larga",
        "created_at": BEGINNING.isoformat(),
        "updated_at": BEGINNING.isoformat(),
        "messages": messages,
    }
    with stack.client() as client:
        body = {"format": "epicode", "conversation": conversation}
        answer = client.post("/api/imports", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
