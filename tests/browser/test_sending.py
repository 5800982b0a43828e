"""A question and its growing reply."""

from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.browser.chat import SEND, STOP, Chat
from tests.stack import Stack
from tests.upstream import Done, End, Gate, Script, Text, reply

ANSWER = (
    "Primero *esto*:\n\n```python app.py\ndef uno():\n    return 1\n```\n\n"
    "y luego una lista:\n\n- a\n- b\n"
)


def test_a_reply_grows_while_it_is_being_written(chat: Chat, stack: Stack, marker: str) -> None:
    steps = (Text(ANSWER[:40]), Gate(marker), Text(ANSWER[40:]), End(), Done())
    stack.upstream.script(marker, Script(steps=steps))
    chat.send(f"dime {marker}")
    expect(chat.said).to_have_text([f"dime {marker}"])
    reply = chat.reply()
    expect(chat.text(reply)).to_contain_text("def")
    expect(reply).to_have_attribute("data-rail", "writing")
    expect(reply).to_contain_text("respondiendo")
    expect(chat.button).to_have_text(STOP)
    expect(chat.text(reply)).not_to_contain_text("y luego")
    stack.upstream.open(marker)
    expect(chat.text(reply)).to_contain_text("y luego una lista:")
    expect(reply).to_have_attribute("data-rail", "sent")
    expect(chat.button).to_have_text(SEND)
    expect(chat.text(reply).get_by_role("listitem")).to_have_text(["a", "b"])


def test_code_has_its_label_is_coloured_and_can_be_copied(
    open_chat: Callable[..., Chat], stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, reply(ANSWER))
    chat = open_chat("/", permissions=["clipboard-read", "clipboard-write"])
    block = chat.ask(marker).locator(".code-block")
    expect(block.locator(".code-label")).to_have_text("python · app.py")
    expect(block.locator(".hljs-keyword")).to_have_text(["def", "return"])
    block.get_by_role("button", name="Copiar").click()
    expect(block.get_by_role("button", name="Copiado")).to_be_focused()
    copied = chat.page.evaluate("navigator.clipboard.readText()")
    assert copied == "def uno():\n    return 1"


def test_the_turn_is_shown_before_the_server_has_answered(chat: Chat, marker: str) -> None:
    held: list[Route] = []
    chat.page.route("**/messages", lambda route: held.append(route))
    with chat.page.expect_request("**/messages"):
        chat.send(f"pronto {marker}")
    expect(chat.said).to_have_text([f"pronto {marker}"])
    expect(chat.field).to_have_value("")
    expect(chat.field).to_be_focused()
    held[0].continue_()
    expect(chat.reply()).to_contain_text(f"echo: pronto {marker}")
    expect(chat.questions).to_have_count(1)


def test_a_turn_that_did_not_arrive_says_so_and_is_sent_once(
    chat: Chat, stack: Stack, marker: str
) -> None:
    chat.ask(f"antes {marker}")
    lost: list[str] = []

    def lose_the_answer(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        route.fetch()  # it reaches the server; only the answer is lost
        lost.append(route.request.headers["idempotency-key"])
        route.abort()

    chat.page.route("**/messages", lose_the_answer)
    chat.send(f"perdido {marker}")
    expect(chat.questions.last).to_contain_text("No se ha enviado")
    chat.page.unroute("**/messages")
    chat.questions.last.get_by_role("button", name="Reintentar").click()
    expect(chat.reply(1)).to_contain_text(f"echo: perdido {marker}")
    assert len(set(lost)) == 1
    assert len(stack.upstream.wait_for(1, f"perdido {marker}")) == 1
    expect(chat.questions).to_have_count(2)


def test_a_refused_turn_gives_its_reason_and_its_text_back(chat: Chat, marker: str) -> None:
    text = f"{marker} " + "palabra " * 60_000
    chat.field.fill(text)
    chat.page.keyboard.press("Enter")
    refused = chat.questions.last
    expect(refused).to_contain_text("tokens")
    refused.get_by_role("button", name="Volver a editar").click()
    expect(chat.field).to_have_value(text.strip())
    expect(chat.questions).to_have_count(0)


def test_enter_sends_but_shift_enter_and_an_input_method_do_not(chat: Chat, marker: str) -> None:
    chat.field.fill(f"uno {marker}")
    chat.page.keyboard.press("Shift+Enter")
    chat.page.keyboard.type("dos")
    chat.field.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "bubbles": True})
    expect(chat.field).to_have_value(f"uno {marker}\ndos")
    chat.page.keyboard.press("Enter")
    expect(chat.questions).to_have_count(1)
    expect(chat.said).to_have_text(f"uno {marker}\ndos", use_inner_text=True)


def test_a_draft_is_kept_for_each_conversation(chat: Chat, marker: str) -> None:
    chat.ask(f"hola {marker}")
    chat.field.fill("a medias")
    chat.page.get_by_role("link", name="Nueva conversación").click()
    expect(chat.field).to_have_value("")
    chat.field.fill("otra cosa")
    chat.page.go_back()
    expect(chat.field).to_have_value("a medias")
    chat.reload()
    expect(chat.field).to_have_value("a medias")
    chat.page.goto("/")
    expect(chat.field).to_have_value("otra cosa")


def test_the_next_turn_may_be_sent_while_one_is_being_answered(
    chat: Chat, stack: Stack, marker: str
) -> None:
    steps = (Text("uno"), Gate(marker), Text(" fin"), End(), Done())
    stack.upstream.script(marker, Script(steps=steps))
    chat.send(f"primera {marker}")
    expect(chat.text(chat.reply())).to_have_text("uno")
    chat.send("segunda")
    expect(chat.reply(1)).to_contain_text("Espera a que termine la respuesta anterior")
    stack.upstream.open(marker)
    expect(chat.text(chat.reply(0))).to_have_text("uno fin")
    expect(chat.text(chat.reply(1))).to_have_text("echo: segunda")
