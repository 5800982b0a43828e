"""Taking back a turn that hasn't started."""

from tests.web.hand import Hand
from tests.web.people import Person, refused


def test_a_turn_that_waits_can_be_taken_back(alice: Person) -> None:
    conversation = alice.converse()["id"]
    first = alice.say(conversation, "queda")
    second = alice.say(conversation, "se va")

    answer = alice.delete(f"/api/messages/{second['message']['id']}")

    assert (answer.status_code, answer.data) == (204, b"")
    assert alice.texts(conversation) == ["queda", ""]
    assert alice.conversation(conversation)["head_message_id"] == first["reply"]["id"]
    refused(alice.get(f"/api/jobs/{second['job']['id']}"), 404, "not_found")
    refused(alice.delete(f"/api/messages/{second['message']['id']}"), 404, "not_found")


def test_taking_back_a_turn_of_another_branch_leaves_the_view_alone(alice: Person) -> None:
    conversation = alice.converse()["id"]
    aside = alice.say(conversation, "aparte")
    seen = alice.say(conversation, "a la vista", parent_id=aside["message"]["parent_id"])

    alice.delete(f"/api/messages/{aside['message']['id']}")

    assert alice.conversation(conversation)["head_message_id"] == seen["reply"]["id"]
    assert seen["message"]["id"] in alice.branch(conversation)["data"][1]["sibling_ids"]


def test_a_turn_that_began_can_not_be_taken_back(alice: Person, hand: Hand) -> None:
    for happen in ("claimed", "requeued", "completed", "cancelled"):
        turn = alice.say(alice.converse()["id"])
        job = turn["job"]["id"]
        if happen == "cancelled":
            alice.post(f"/api/jobs/{job}/cancellation")
        else:
            hand.claim(job)
        if happen == "requeued":
            hand.requeue(job)
        if happen == "completed":
            hand.complete(job, "ya está")

        answer = alice.delete(f"/api/messages/{turn['message']['id']}")

        refused(answer, 409, "turn_already_started")


def test_a_turn_with_something_below_it_can_not_be_taken_back(alice: Person) -> None:
    conversation = alice.converse()
    turn = alice.say(conversation["id"], "a")
    alice.say(conversation["id"], "b")
    twice = alice.say(conversation["id"], "c")
    alice.regenerate(twice["message"]["id"])

    for message in (
        turn["message"]["id"],
        turn["reply"]["id"],
        twice["message"]["id"],
        conversation["head_message_id"],
    ):
        refused(alice.delete(f"/api/messages/{message}"), 409, "turn_has_answers")
    assert alice.texts(conversation["id"]) == ["a", "", "b", "", "c", ""]
