"""What a person does with what was said: pin it, quote it, copy and keep its code, print it."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.stack import Stack
from tests.upstream import reply

CODE = """Así:

```bash instala.sh
$ pip install celery
Successfully installed
```

```python
print("hola")
```

- y en una lista:

  ```diff
  -uno
  +dos
  ```
"""


def test_a_turn_is_pinned_left_out_and_let_go_again(chat: Chat, stack: Stack, marker: str) -> None:
    chat.ask(f"secreto {marker}")
    chat.ask("otra cosa")
    turn = chat.questions.first
    turn.hover()
    leave_out = turn.get_by_role("button", name="Fuera")
    leave_out.click()
    expect(leave_out).to_have_attribute("aria-pressed", "true")
    expect(turn).to_have_attribute("data-rail", "omitted")
    expect(chat.reply(0)).to_have_attribute("data-rail", "omitted")
    chat.ask("tercera")
    assert "secreto" not in str(stack.upstream.wait_for(1, "tercera")[-1].messages)
    pin = turn.get_by_role("button", name="Fijado")
    pin.click()
    expect(pin).to_contain_text("Fijado")
    expect(leave_out).to_have_attribute("aria-pressed", "false")
    chat.reload()
    expect(pin).to_have_attribute("aria-pressed", "true")
    expect(turn).to_have_attribute("data-rail", "sent")
    pin.click()
    expect(pin).to_have_attribute("aria-pressed", "false")


def test_a_reply_says_what_it_took(chat: Chat, marker: str) -> None:
    chat.ask(f"cuánto {marker}")
    expect(chat.reply().locator(".turn-facts")).to_contain_text("10 tokens")
    chat.reload()
    expect(chat.reply().locator(".turn-facts")).to_contain_text("10 tokens")
    chat.page.locator(".ring-button").click()
    expect(chat.page.locator(".context-facts")).to_contain_text("20 leídos, 10 escritos")


def test_code_is_wrapped_kept_and_copied_without_its_prompt(
    open_chat: Callable[..., Chat], stack: Stack, marker: str
) -> None:
    chat = open_chat("/", permissions=["clipboard-read", "clipboard-write"])
    stack.upstream.script(marker, reply(CODE))
    blocks = chat.ask(marker).locator(".code-block")
    expect(blocks.locator(".code-label")).to_have_text(["bash · instala.sh", "python", "diff"])
    expect(blocks.nth(2).locator(".hljs-addition")).to_have_text("+dos")
    blocks.nth(0).get_by_role("button", name="Copiar").click()
    expect(blocks.nth(0).get_by_role("button", name="Copiado")).to_be_visible()
    assert chat.page.evaluate("navigator.clipboard.readText()") == "pip install celery"
    wrap = blocks.nth(0).get_by_role("button", name="Ajustar las líneas")
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    expect(blocks.nth(0).locator("code")).to_have_css("white-space-collapse", "preserve")
    with chat.page.expect_download() as download:
        blocks.nth(1).get_by_role("button", name="Descargar").click()
    assert download.value.suggested_filename == "epicode.py"
    assert download.value.path().read_text() == 'print("hola")'
    chat.page.keyboard.press("Control+Shift+Comma")
    expect(blocks.nth(2).get_by_role("button", name="Copiado")).to_be_visible()
    assert chat.page.evaluate("navigator.clipboard.readText()") == "-uno\n+dos"


def test_a_selection_is_quoted_into_the_composer(chat: Chat, stack: Stack, marker: str) -> None:
    stack.upstream.script(marker, reply("Una cosa.\n\nOtra cosa."))
    said = chat.text(chat.ask(marker)).locator("p").last
    said.evaluate("(paragraph) => getSelection().selectAllChildren(paragraph)")
    chat.page.get_by_role("button", name="Citar").click()
    expect(chat.field).to_have_value("> Otra cosa.\n\n")
    expect(chat.field).to_be_focused()
    expect(chat.page.get_by_role("button", name="Citar")).to_have_count(0)


def test_on_paper_stands_the_conversation_alone(chat: Chat, marker: str) -> None:
    reply = chat.ask(f"para imprimir {marker}")
    chat.page.emulate_media(media="print")
    for place in ("#sidebar", "#composer", "#jump", ".turn-actions"):
        expect(chat.page.locator(place).first).to_be_hidden()
    expect(chat.title).to_be_visible()
    expect(chat.questions.get_by_role("heading", name="Tú")).to_be_visible()
    expect(reply).to_be_visible()
    expect(chat.page.locator("#transcript")).to_have_css("overflow-y", "visible")
