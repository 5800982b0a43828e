"""Files in a turn: dropped, chosen, pasted; kept with the draft and sent as fenced code."""

from playwright.sync_api import expect

from tests.browser.chat import Chat
from tests.stack import Stack
from tests.upstream import Done, End, Gate, Script, Text

LONG = "\n".join(f"línea {number}" for number in range(200))
PASTE = """(text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    const options = {clipboardData: data, bubbles: true, cancelable: true};
    const event = new ClipboardEvent("paste", options);
    document.getElementById("composer-text").dispatchEvent(event);
    return event.defaultPrevented;
}"""
DROP = """() => {
    const data = new DataTransfer();
    data.items.add(new File(["def uno():\\n    return 1\\n"], "tareas.py"));
    document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
}"""


def chips(chat: Chat) -> list[str]:
    return chat.page.locator("#composer .file-name").all_inner_texts()


def test_files_are_kept_with_the_draft_and_sent_as_fenced_code(
    chat: Chat, stack: Stack, marker: str
) -> None:
    chosen = chat.page.locator("[data-file-input]")
    chosen.set_input_files(
        [
            {"name": "traza.log", "mimeType": "text/plain", "buffer": b"x" * 14_000},
            {"name": "foto.png", "mimeType": "image/png", "buffer": b"\x89PNG\x00\x00\x01"},
        ]
    )
    expect(chat.notices).to_contain_text("foto.png no es texto")
    chat.page.evaluate(DROP)
    assert not chat.page.evaluate(PASTE, "una línea")
    assert chat.page.evaluate(PASTE, LONG)
    expect(chat.page.locator("#composer .file-name")).to_have_count(3)
    assert chips(chat) == ["traza.log, 14 kB", "tareas.py, 1 kB", "pegado.txt, 2 kB"]
    chat.page.get_by_role("button", name="Quitar traza.log").click()
    expect(chat.field).to_be_focused()
    chat.field.fill(f"Revisa esto {marker}")
    chat.page.get_by_role("link", name="Nueva conversación").click()
    chat.reload()
    assert chips(chat) == ["tareas.py, 1 kB", "pegado.txt, 2 kB"]
    expect(chat.field).to_have_value(f"Revisa esto {marker}")
    chat.page.get_by_role("button", name="Como texto").click()
    expect(chat.field).to_have_value(f"Revisa esto {marker}{LONG}")
    chat.field.fill(f"Revisa esto {marker}")
    chat.page.keyboard.press("Enter")
    expect(chat.reply()).to_have_attribute("aria-busy", "false")
    sent = stack.upstream.wait_for(1, marker)[0].body["messages"][-1]["content"]
    assert sent == f"Revisa esto {marker}\n\n```python tareas.py\ndef uno():\n    return 1\n```"
    assert chips(chat) == []
    conversation = chat.page.url.rsplit("/", 1)[1]
    with stack.client() as client:
        turns = client.get(f"/api/conversations/{conversation}/messages").json()["data"]
    assert [turn["in_window"] for turn in turns if turn["role"] == "user"] == ["always"]


def test_the_last_turn_is_edited_by_the_arrow_and_a_waiting_one_is_taken_back(
    chat: Chat, stack: Stack, marker: str
) -> None:
    steps = (Text("uno"), Gate(marker), Text(" fin"), End(), Done())
    stack.upstream.script(marker, Script(steps=steps))
    chat.send(f"primera {marker}")
    expect(chat.text(chat.reply())).to_have_text("uno")
    chat.send("segunda")
    chat.questions.nth(1).get_by_role("button", name="Volver a editar").click()
    expect(chat.field).to_have_value("segunda")
    expect(chat.said).to_have_text([f"primera {marker}"])
    chat.field.fill("")
    chat.page.keyboard.press("ArrowUp")
    editor = chat.page.get_by_role("textbox", name="Editar el mensaje")
    expect(editor).to_be_focused()
    expect(editor).to_have_value(f"primera {marker}")
    chat.page.keyboard.press("Escape")
    stack.upstream.open(marker)
    expect(chat.text(chat.reply())).to_have_text("uno fin")
