"""ChatGPT's tree of nodes becomes turns and replies that alternate; what is broken is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.chatgpt_format import read
from common.errors import EpiCodeError
from common.imports import MOST_LINES, Draft

AT = 1_700_000_000.5


def node(parent: str | None, role: str = "", text: str = "", **more: Any) -> dict[str, Any]:
    """One of the mapping's nodes; without a role it says nothing."""
    message = {
        "author": {"role": role},
        "create_time": AT,
        "content": {"content_type": "text", "parts": [text]},
        "metadata": {},
        "recipient": "all",
    }
    return {"parent": parent, "message": message | more if role else None}


def conversation(**nodes: dict[str, Any]) -> dict[str, Any]:
    """An element of conversations.json, its children as its parents tell."""
    mapping = {"root": node(None), **nodes}
    for name, one in mapping.items():
        one["id"] = name
        one["children"] = [child for child, other in mapping.items() if other["parent"] == name]
    return {"title": "Colas", "create_time": AT, "update_time": AT + 60, "mapping": mapping}


def said(draft: Draft) -> list[tuple[int | None, str, str]]:
    return [(line.parent, line.role, line.content) for line in draft.lines]


def refusal(content: dict[str, Any]) -> EpiCodeError:
    with pytest.raises(EpiCodeError) as caught:
        read(content)
    return caught.value


def test_turns_and_replies_are_read_with_times_and_model() -> None:
    draft = read(
        conversation(
            a=node("root", "user", "hola"),
            b=node("a", "assistant", "¡hola!", metadata={"model_slug": "gpt-4o"}),
        )
    )

    assert said(draft) == [(None, "user", "hola"), (0, "assistant", "¡hola!")]
    assert draft.lines[1].model == "gpt-4o"
    assert draft.lines[0].at == draft.created_at == datetime.fromtimestamp(AT, UTC)
    assert (draft.updated_at - draft.created_at).total_seconds() == 60
    assert (draft.title, draft.system_prompt) == ("Colas", None)


def test_branches_stay_branches_and_the_one_in_view_is_known() -> None:
    content = conversation(
        a=node("root", "user", "uno"),
        a2=node("root", "user", "uno, editado"),
        b=node("a", "assistant", "primera"),
        b2=node("a", "assistant", "segunda"),
        c=node("b", "user", "sigue"),
        d=node("c", "assistant", "sigo"),
        e=node("a2", "assistant", "otra"),
    )

    draft = read(content | {"current_node": "d"})

    assert said(draft) == [
        (None, "user", "uno"),
        (0, "assistant", "primera"),
        (1, "user", "sigue"),
        (2, "assistant", "sigo"),
        (0, "assistant", "segunda"),
        (None, "user", "uno, editado"),
        (5, "assistant", "otra"),
    ]
    assert draft.head == 3
    assert read(content | {"current_node": "nowhere"}).head == 6  # the newest
    assert read(content | {"current_node": "a"}).head == 4


def test_what_one_role_said_in_a_row_is_one_reply_and_what_is_no_speech_is_left_out() -> None:
    hidden = {"is_visually_hidden_from_conversation": True}
    draft = read(
        conversation(
            s=node("root", "system", "", metadata=hidden),
            a=node("s", "user", "cuenta"),
            b=node("a", "assistant", "Voy a contar."),
            code=node(
                "b",
                "assistant",
                content={"content_type": "code", "language": "python", "text": "print(1)\n```"},
                recipient="python",
            ),
            tool=node("code", "tool", "1"),
            search=node("tool", "assistant", 'search("x")', recipient="browser"),
            thoughts=node("search", "assistant", content={"content_type": "thoughts"}),
            c=node("thoughts", "assistant", "Es uno \ue200cite\ue202turn0\ue201."),
            secret=node("c", "user", "oculto", metadata=hidden),
            d=node("secret", "assistant", "Fin."),
        )
    )

    assert said(draft) == [
        (None, "user", "cuenta"),
        (
            0,
            "assistant",
            "Voy a contar.\n\n````python\nprint(1)\n```\n````\n\nEs uno .\n\nFin.",
        ),
    ]
    assert draft.system_prompt is None


def test_a_row_that_parts_into_branches_is_whole_on_each_of_them() -> None:
    draft = read(
        conversation(
            a=node("root", "user", "a"),
            b=node("a", "assistant", "b"),
            c=node("b", "assistant", "c"),
            c2=node("b", "assistant", "c2"),
            d=node("b", "user", "d"),
            d2=node("b", "user", "d2"),
        )
    )

    assert said(draft) == [
        (None, "user", "a"),
        (0, "assistant", "b\n\nc"),
        (0, "assistant", "b\n\nc2"),
        (0, "assistant", "b"),
        (3, "user", "d"),
        (3, "user", "d2"),
    ]


def test_pictures_and_files_leave_a_sign_and_instructions_become_the_prompt() -> None:
    parts = [{"asset_pointer": "file-service://x"}, "¿qué es?", {"text": "dicho"}, 7]
    draft = read(
        conversation(
            s=node("root", "system", "Sé breve."),
            a=node(
                "s",
                "user",
                content={"content_type": "multimodal_text", "parts": parts},
                metadata={"attachments": [{"name": "colas.py"}, "x", {}]},
            ),
        )
    )

    assert draft.system_prompt == "Sé breve."
    assert said(draft) == [(None, "user", "🖼\n\n¿qué es?\n\ndicho\n\n📎 colas.py")]


def test_a_reply_that_nobody_asked_for_gets_a_turn_to_hang_from() -> None:
    draft = read(conversation(a=node("root", "assistant", "¿En qué ayudo?")))

    assert said(draft) == [(None, "user", "…"), (0, "assistant", "¿En qué ayudo?")]


def test_a_conversation_in_which_nothing_was_said_is_an_empty_one() -> None:
    draft = read({"mapping": {"root": {"parent": None}}, "title": None})

    assert (draft.lines, draft.head) == ([], None)


A = node("root", "user", "a")
BROKEN = {
    "no mapping": {"title": "x"},
    "a mapping of nothing": {"mapping": {}},
    "a mapping that is a list": {"mapping": []},
    "two roots": conversation(a=node(None, "user", "a")),
    "a parent that isn't there": conversation(a=node("b", "user", "a")),
    "a circle": conversation(a=node("b", "user", "a"), b=node("a", "user", "b")),
    "its own parent": conversation(a=node("a", "user", "a")),
    "a node that is a number": {"mapping": {"root": 7}},
    "an author that is a text": conversation(a=node("root", "user", "a", author="user")),
    "a time that is a text": conversation(a=node("root", "user", "a", create_time="ayer")),
    "a time beyond time": conversation(a=node("root", "user", "a", create_time=1e300)),
    "a creation beyond time": conversation(a=A) | {"create_time": -1e18},
    "parts that are a text": conversation(
        a=node("root", "user", content={"content_type": "text", "parts": "abc"})
    ),
    "a title that is an object": conversation(a=A) | {"title": {}},
    "children that are a number": conversation(a=A)
    | {"mapping": {"root": {"parent": None, "children": 7}}},
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_and_where_is_said(name: str) -> None:
    error = refusal(BROKEN[name])

    assert error.code == "import_unreadable"
    assert 0 < len(error.params["where"]) <= 120


def test_a_very_long_row_of_nodes_is_read_without_recursion() -> None:
    nodes = {"n0": node("root", "user", "a")}
    nodes |= {f"n{n}": node(f"n{n - 1}", "assistant", "b") for n in range(1, 5000)}
    content = {"mapping": {"root": node(None), **nodes}}

    draft = read(content)

    assert [line.role for line in draft.lines] == ["user", "assistant"]
    assert draft.lines[1].content.count("b") == 4999


def test_a_small_file_that_would_become_a_large_tree_is_refused() -> None:
    long_row = {"n0": node("root", "user", "a")}
    for n in range(1, 200):
        long_row[f"n{n}"] = node(f"n{n - 1}", "assistant", "b" * 400)
    forks = {f"f{n}": node("n199", "assistant", "c") for n in range(200)}
    wide = {f"w{n}": node("root", "user", "a") for n in range(MOST_LINES + 1)}

    for nodes in (long_row | forks, wide):
        content = {"mapping": {"root": node(None), **nodes}}
        assert refusal(content).code == "import_too_large"
