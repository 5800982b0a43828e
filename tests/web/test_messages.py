"""The tree of a conversation: turns, siblings, branches, pins."""

import uuid
from typing import Any

import pytest
from flask_openapi import OpenAPI

from tests.web.hand import Hand
from tests.web.people import Person, person, refused


def test_a_turn_is_accepted_with_its_pending_reply_and_its_job(alice: Person) -> None:
    conversation = alice.converse()
    url = f"/api/conversations/{conversation['id']}/messages"

    answer = alice.post(url, json={"content": "¿qué es\nun grafo?", "params": {"temperature": 0}})

    posted = answer.get_json()
    message, reply, job = posted["message"], posted["reply"], posted["job"]
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/jobs/{job['id']}"
    assert (message["role"], message["content"]) == ("user", "¿qué es\nun grafo?")
    assert (message["parent_id"], message["turn_index"]) == (conversation["head_message_id"], 1)
    assert (message["status"], message["job_id"]) == ("completed", None)
    assert message["token_count"] > 0
    assert (reply["role"], reply["status"], reply["content"]) == ("assistant", "pending", "")
    assert (reply["parent_id"], reply["turn_index"]) == (message["id"], 2)
    assert (reply["job_id"], reply["model"]) == (job["id"], job["model"])
    assert (job["status"], job["kind"], job["attempt"]) == ("queued", "reply", 0)
    assert (job["message_id"], job["prompt_message_id"]) == (reply["id"], message["id"])
    assert alice.conversation(conversation["id"])["head_message_id"] == reply["id"]


def test_a_turn_hangs_from_the_head_and_the_branch_reads_from_the_root(alice: Person) -> None:
    conversation = alice.converse(system_prompt="Sé breve.")["id"]
    first = alice.say(conversation, "uno")
    second = alice.say(conversation, "dos")

    page = alice.branch(conversation)

    assert second["message"]["parent_id"] == first["reply"]["id"]
    assert [item["content"] for item in page["data"]] == ["Sé breve.", "uno", "", "dos", ""]
    assert [item["turn_index"] for item in page["data"]] == [0, 1, 2, 3, 4]
    assert page["next"] is None


def test_a_turn_with_another_model_keeps_the_conversations_model(alice: Person) -> None:
    conversation = alice.converse(model="gpt-4o-mini-2024-07-18")["id"]

    own, other = alice.say(conversation), alice.say(conversation, model="o4-mini")

    assert (own["job"]["model"], other["job"]["model"]) == ("gpt-4o-mini-2024-07-18", "o4-mini")
    assert alice.conversation(conversation)["model"] == "gpt-4o-mini-2024-07-18"


def test_editing_a_turn_adds_a_sibling_and_shows_its_branch(alice: Person) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation, "con erata")
    alice.say(conversation, "sigue")

    edited = alice.say(conversation, "con errata", parent_id=first["message"]["parent_id"])

    assert edited["message"]["parent_id"] == first["message"]["parent_id"]
    assert edited["message"]["sibling_ids"] == [first["message"]["id"], edited["message"]["id"]]
    assert alice.texts(conversation) == ["con errata", ""]
    assert alice.conversation(conversation)["head_message_id"] == edited["reply"]["id"]


def test_all_replies_to_a_turn_are_read_side_by_side(alice: Person) -> None:
    turn = alice.say(alice.converse()["id"], "uno")
    url = f"/api/messages/{turn['message']['id']}/replies"
    other = alice.post(url, json={"model": "o4-mini"}).get_json()["reply"]
    alice.say(turn["message"]["conversation_id"], "después")

    page = alice.get(url).get_json()

    assert [item["id"] for item in page["data"]] == [turn["reply"]["id"], other["id"]]
    assert page["data"][1]["model"] == "o4-mini"
    assert page["data"][0]["job_id"] == turn["job"]["id"]
    assert page["next"] is None


def test_regenerating_adds_a_sibling_reply_and_shows_it(alice: Person, hand: Hand) -> None:
    conversation = alice.converse(params={"temperature": 0.2})["id"]
    first = alice.say(conversation)
    hand.answer(first["job"]["id"], "la primera")

    url = f"/api/messages/{first['message']['id']}/replies"
    answer = alice.post(url, json={"model": "o4-mini", "params": {"max_output_tokens": 9}})

    again = answer.get_json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/jobs/{again['job']['id']}"
    assert again["message"]["id"] == first["message"]["id"]
    assert again["reply"]["sibling_ids"] == [first["reply"]["id"], again["reply"]["id"]]
    assert again["job"]["model"] == "o4-mini"
    assert alice.conversation(conversation)["head_message_id"] == again["reply"]["id"]
    stored = hand.job(again["job"]["id"])
    assert stored.params == {"temperature": 0.2, "max_output_tokens": 9}
    assert [item["id"] for item in alice.branch(conversation)["data"]][1:] == [
        first["message"]["id"],
        again["reply"]["id"],
    ]


def test_a_reply_that_is_still_pending_can_be_regenerated(alice: Person) -> None:
    turn = alice.say(alice.converse()["id"])

    again = alice.regenerate(turn["message"]["id"])

    assert len(again["reply"]["sibling_ids"]) == 2


@pytest.mark.parametrize("which", ["reply", "root"])
def test_only_a_persons_turn_can_be_regenerated(alice: Person, which: str) -> None:
    conversation = alice.converse()
    turn = alice.say(conversation["id"])
    message = turn["reply"]["id"] if which == "reply" else conversation["head_message_id"]

    refused(alice.post(f"/api/messages/{message}/replies", json={}), 422, "invalid_parent")


def test_changing_branch_goes_down_to_the_newest_leaf(alice: Person) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation, "a")
    alice.say(conversation, "a1")
    newest = alice.say(conversation, "a2", parent_id=first["reply"]["id"])
    other = alice.say(conversation, "b", parent_id=first["message"]["parent_id"])
    assert alice.texts(conversation) == ["b", ""]

    url = f"/api/conversations/{conversation}"
    changed = alice.patch(url, json={"head_message_id": first["message"]["id"]}).get_json()

    assert changed["head_message_id"] == newest["reply"]["id"]
    assert alice.texts(conversation) == ["a", "", "a2", ""]
    root = first["message"]["parent_id"]
    changed = alice.patch(url, json={"head_message_id": root}).get_json()
    assert changed["head_message_id"] == other["reply"]["id"]


def test_the_branch_in_view_stays_after_deeper_talk_on_another(alice: Person) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation, "a")
    for text in ("b", "c"):
        alice.say(conversation, text)
    side = alice.say(conversation, "lado", parent_id=first["reply"]["id"])

    url = f"/api/conversations/{conversation}"
    changed = alice.patch(url, json={"head_message_id": first["reply"]["id"]}).get_json()

    assert changed["head_message_id"] == side["reply"]["id"]


def test_a_turn_may_not_hang_from_a_turn_a_stranger_or_nothing(alice: Person, bob: Person) -> None:
    conversation = alice.converse()["id"]
    turn = alice.say(conversation)
    elsewhere = alice.say(alice.converse()["id"])
    bobs = bob.say(bob.converse()["id"])
    url = f"/api/conversations/{conversation}"

    for parent in (turn["message"], elsewhere["reply"], bobs["reply"], {"id": str(uuid.uuid4())}):
        body = {"content": "x", "parent_id": parent["id"]}
        refused(alice.post(f"{url}/messages", json=body), 422, "invalid_parent")
    for head in (elsewhere["reply"], bobs["reply"], {"id": str(uuid.uuid4())}):
        answer = alice.patch(url, json={"head_message_id": head["id"]})
        refused(answer, 422, "invalid_parent")
    assert alice.texts(conversation) == ["hola", ""]


def test_a_long_branch_is_read_from_its_newest_page_back(alice: Person) -> None:
    conversation = alice.converse(system_prompt="raíz")["id"]
    for n in range(4):
        alice.say(conversation, f"t{n}")
    whole = [item["id"] for item in alice.branch(conversation)["data"]]

    pages, cursor = [], None
    while cursor or not pages:
        page = alice.branch(conversation, limit=4, **({"cursor": cursor} if cursor else {}))
        pages.append([item["id"] for item in page["data"]])
        cursor = page["next"]

    assert len(whole) == 9
    assert pages == [whole[5:], whole[1:5], whole[:1]]


def test_an_older_page_stays_on_its_branch_after_a_change_of_branch(alice: Person) -> None:
    conversation = alice.converse(system_prompt="raíz")["id"]
    first = alice.say(conversation, "a")
    alice.say(conversation, "b")
    page = alice.branch(conversation, limit=2)
    alice.say(conversation, "otra", parent_id=first["message"]["parent_id"])

    older = alice.branch(conversation, limit=10, cursor=page["next"])

    assert [item["content"] for item in older["data"]] == ["raíz", "a", ""]


def test_the_whole_tree_is_read_in_the_order_of_its_making(alice: Person) -> None:
    conversation = alice.converse(system_prompt="raíz")["id"]
    first = alice.say(conversation, "a")
    alice.say(conversation, "b", parent_id=first["message"]["parent_id"])
    alice.regenerate(first["message"]["id"])

    found: list[dict[str, Any]] = []
    cursor = None
    while cursor or not found:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = alice.branch(conversation, all=1, **query)
        found += page["data"]
        cursor = page["next"]

    assert [item["content"] for item in found] == ["raíz", "a", "", "b", "", ""]
    assert len({item["id"] for item in found}) == 6
    by_id = {item["id"]: item for item in found}
    for item in found[1:]:
        beside = [other["id"] for other in found if other["parent_id"] == item["parent_id"]]
        assert item["sibling_ids"] == beside
        assert by_id[item["parent_id"]]["turn_index"] == item["turn_index"] - 1


def test_a_cursor_of_one_conversation_shows_nothing_of_another(alice: Person, bob: Person) -> None:
    hers = alice.converse()["id"]
    for n in range(3):
        alice.say(hers, f"secreto {n}")
    cursor = alice.branch(hers, limit=2)["next"]
    tree_cursor = alice.branch(hers, limit=2, all=1)["next"]
    assert alice.branch(hers, cursor=cursor)["data"]
    his = bob.converse()["id"]

    assert bob.branch(his, cursor=cursor)["data"] == []
    theirs = bob.branch(his, cursor=tree_cursor, all=1)["data"]
    assert {item["conversation_id"] for item in theirs} <= {his}


def test_a_reply_shows_its_error_in_the_persons_words(alice: Person, hand: Hand) -> None:
    conversation = alice.converse()["id"]
    job = alice.say(conversation)["job"]["id"]
    hand.claim(job)

    hand.fail(job, "rate_limited", seconds=90, retryable=True)

    reply = alice.branch(conversation)["data"][-1]
    assert reply["status"] == "failed"
    assert reply["error"]["code"] == "rate_limited"
    assert "90 s" in reply["error"]["detail"]
    assert reply["error"]["retryable"] is True


def test_a_message_is_pinned_left_out_and_let_go(alice: Person) -> None:
    conversation = alice.converse()["id"]
    message = alice.say(conversation)["message"]

    for choice in ("always", "never", "auto"):
        changed = alice.patch(f"/api/messages/{message['id']}", json={"in_window": choice})
        assert changed.get_json() == message | {"in_window": choice}
        assert alice.branch(conversation)["data"][1]["in_window"] == choice


def test_pins_over_the_budget_are_refused_with_both_numbers(app: OpenAPI, own_hand: Hand) -> None:
    alice = person(app, "Alice")
    own_hand.list_models(tiny={"context_window": 2048, "max_output_tokens": 1024})
    conversation = alice.converse(model="tiny", system_prompt="")["id"]
    turns = [alice.say(conversation, "word " * 500)["message"] for _ in range(2)]
    assert alice.patch(f"/api/messages/{turns[0]['id']}", json={"in_window": "always"}).json

    answer = alice.patch(f"/api/messages/{turns[1]['id']}", json={"in_window": "always"}, lang="en")

    problem = refused(answer, 422, "pins_too_long")
    assert "870" in problem["detail"]  # (2048 - 1024) less 15 %
    # each turn with its reply to come, and what opens the answer
    assert str(sum(turn["token_count"] + 2 * 4 for turn in turns) + 3) in problem["detail"]
    assert alice.branch(conversation)["data"][3]["in_window"] == "auto"


def test_a_turn_too_long_for_the_model_is_refused_with_both_numbers(
    app: OpenAPI, own_hand: Hand
) -> None:
    alice = person(app, "Alice")
    own_hand.list_models(tiny={"context_window": 2048, "max_output_tokens": 1024}, large={})
    conversation = alice.converse(model="tiny", system_prompt="")["id"]
    url = f"/api/conversations/{conversation}/messages"

    answer = alice.post(url, json={"content": "word " * 2000})

    problem = refused(answer, 422, "turn_too_long")
    assert "870" in problem["detail"]
    assert "tiny" in problem["detail"]
    assert any(str(number) in problem["detail"] for number in range(2000, 2020))
    assert alice.texts(conversation) == []
    assert alice.say(conversation, "word " * 2000, model="large")


def test_regenerating_with_a_smaller_model_is_refused_with_both_numbers(
    app: OpenAPI, own_hand: Hand
) -> None:
    alice = person(app, "Alice")
    own_hand.list_models(tiny={"context_window": 2048, "max_output_tokens": 1024}, large={})
    message = alice.say(alice.converse(model="large")["id"], "word " * 2000)["message"]

    answer = alice.post(f"/api/messages/{message['id']}/replies", json={"model": "tiny"})

    assert "870" in refused(answer, 422, "turn_too_long")["detail"]


def test_a_model_that_the_server_lacks_is_refused_naming_those_it_has(
    app: OpenAPI, own_hand: Hand
) -> None:
    alice = person(app, "Alice")
    conversation = alice.converse()["id"]
    message = alice.say(conversation, model="any is tried before a list was had")["message"]
    own_hand.list_models(gpt_here={}, gpt_there={}, text_embedding_3={})
    body = {"content": "x", "model": "gpt-gone"}

    for url, json in (
        (f"/api/conversations/{conversation}/messages", body),
        (f"/api/messages/{message['id']}/replies", {"model": "gpt-gone"}),
        ("/api/ask", body),
    ):
        problem = refused(alice.post(url, json=json), 422, "model_unavailable")
        assert "gpt-gone" in problem["detail"]
        assert "gpt-here, gpt-there." in problem["detail"]
        assert "embedding" not in problem["detail"]
