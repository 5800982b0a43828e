"""Replies are hostile: nothing they say runs, fetches, or is mistaken for the page's own."""

from playwright.sync_api import Locator, expect

from tests.browser.chat import Chat
from tests.browser.hostile_replies import FOREIGN, HOSTILE_BY_KIND, HOSTILE_REPLIES
from tests.browser.watch import Watch
from tests.stack import Stack
from tests.upstream import Done, End, Script, Text, reply

GROUP = 40
SHOW_EVERY_BEGINNING = """async (replies) => {
  const { LiveMarkdown } = await import("/static/js/markdown/live.js");
  const place = document.createElement("div");
  place.id = "beginnings";
  document.querySelector("#transcript [data-content]").append(place);
  const texts = { t: (key) => key, announce() {} };
  let shown = 0;
  for (const reply of replies.filter((each) => [...each].length < 400)) {
    const root = document.createElement("div");
    root.className = "markdown";
    place.append(root);
    const live = new LiveMarkdown(root, texts);
    const letters = [...reply];
    for (let end = 0; end <= letters.length; end += 1) {
      live.show(letters.slice(0, end).join(""));
      shown += 1;
    }
  }
  return shown;
}"""
POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
)


def test_the_page_comes_with_its_policy(chat: Chat) -> None:
    response = chat.page.goto("/")
    assert response is not None
    policy = response.header_value("content-security-policy") or ""
    assert all(part in policy for part in POLICY)
    assert "unsafe" not in policy
    assert "nonce" not in policy


def test_the_watch_would_notice(chat: Chat, watch: Watch) -> None:
    chat.page.evaluate("() => { alert(1); }")
    chat.page.evaluate(f"() => fetch('{FOREIGN}').catch(() => null)")
    chat.page.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; } catch { /* refused */ } }"
    )
    noticed = " ".join(watch.take())
    assert "dialog: 1" in noticed
    assert "connect-src" in noticed
    assert "TrustedHTML" in noticed


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(set(HOSTILE_REPLIES)) >= 150
    assert len(HOSTILE_BY_KIND) >= 10


def test_no_hostile_reply_runs_or_fetches_anything(
    chat: Chat, stack: Stack, marker: str, watch: Watch
) -> None:
    """Several in one reply, each in a line of its own and within one; shown as they stream, and
    all again after a reload. Those that leave a fence open come last."""
    ordered = sorted(HOSTILE_REPLIES, key=lambda hostile: hostile.count("```") % 2)
    groups = [ordered[at : at + GROUP] for at in range(0, len(ordered), GROUP)]
    for number, group in enumerate(groups):
        name = f"{marker}{number}."
        text = "\n\n".join(f"antes {hostile}\n\n{hostile}\n\n***" for hostile in group)
        stack.upstream.script(name, reply(text, chunk=41))
        chat.send(name)
        expect(chat.reply(number)).to_have_attribute("aria-busy", "false", timeout=15_000)
    chat.reload()
    expect(chat.replies).to_have_count(len(groups))
    no_hostile_element_in(chat.page.locator(".markdown"))
    chat.page.wait_for_timeout(300)
    assert watch.complaints == []


def test_no_beginning_of_a_hostile_reply_does_either(chat: Chat, watch: Watch) -> None:
    """A stream may stop anywhere: every beginning is shown by what shows replies, in the page."""
    shown = chat.page.evaluate(SHOW_EVERY_BEGINNING, HOSTILE_REPLIES)
    assert shown == sum(len(hostile) + 1 for hostile in HOSTILE_REPLIES if len(hostile) < 400)
    no_hostile_element_in(chat.page.locator("#beginnings"))
    chat.page.wait_for_timeout(300)
    assert watch.complaints == []


def test_what_is_no_reply_is_as_harmless(
    chat: Chat, stack: Stack, marker: str, watch: Watch
) -> None:
    """Questions, files, titles and errors hold the same texts."""
    said = "\n".join(hostile for hostile in HOSTILE_REPLIES if "`" not in hostile)
    file = 'text "><img/src=x/onerror=alert(1)>.log'
    chat.ask(f"{marker} {said}\n~~~\n~~~\n\n````{file}\n{said}\n````")
    chat.page.locator(".attached summary").click()
    conversation = chat.page.url.rsplit("/", 1)[1]
    with stack.client() as client:
        client.patch(
            f"/api/conversations/{conversation}", json={"title": "<img src=x onerror=alert(1)>"}
        )
    chat.reload()
    expect(chat.title).to_have_text("<img src=x onerror=alert(1)>")
    no_hostile_element_in(chat.page.locator("#transcript, #topbar, #sidebar"))
    assert watch.complaints == []


def no_hostile_element_in(place: Locator) -> None:
    """Nothing that runs or fetches, no attribute that acts, and no link that isn't made safe."""
    foreign = "script, img, iframe, object, embed, link, style, form, video, audio, base, meta"
    expect(place.locator(f":is({foreign})")).to_have_count(0)
    expect(place.locator(".markdown :is(input, button:not(.code-action))")).to_have_count(0)
    expect(place.locator(".markdown :is([style], [id], [name])")).to_have_count(0)
    acting = place.evaluate_all(
        """(places) => places.flatMap((place) => [...place.querySelectorAll("*")])
            .flatMap((element) => element.getAttributeNames())
            .filter((name) => name.startsWith("on") || name === "srcdoc" || name === "ping")"""
    )
    assert acting == []
    links = place.locator(".markdown a").evaluate_all(
        "(links) => links.map((a) => [a.getAttribute('href') ?? '', a.rel, a.target])"
    )
    for address, rel, target in links:
        assert address.startswith(("https://", "http://", "mailto:", "#")), address
        if not address.startswith("#"):
            assert (rel, target) == ("noopener noreferrer nofollow", "_blank")


def test_a_remote_image_is_a_chip_with_its_host(chat: Chat, stack: Stack, marker: str) -> None:
    stack.upstream.script(marker, reply(f"![un plano]({FOREIGN}/p.png)"))
    chip = chat.ask(marker).locator(".image-chip")
    expect(chip).to_contain_text("un plano")
    expect(chip).to_contain_text("evil.example")
    expect(chip).to_have_attribute("href", f"{FOREIGN}/p.png")


def test_what_a_person_types_is_shown_as_typed(chat: Chat, marker: str) -> None:
    chat.ask(f"{marker} <b>no</b> **no** <img src=x onerror=alert(1)>")
    expect(chat.said).to_have_text(f"{marker} <b>no</b> **no** <img src=x onerror=alert(1)>")


def test_the_page_equals_the_whole_rendering_at_the_end(
    chat: Chat, stack: Stack, marker: str
) -> None:
    """Streamed in small pieces or shown at once after a reload: the same elements."""
    text = "\n\n".join(
        [
            "# Título [x]",
            "- uno\n- dos\n\n  ```js\n  const a = 1;\n  ```",
            "> cita\n> ```py\n> x = 1\n> ```",
            "| a | b |\n|---|--:|\n| 1 | [x] |",
            "```python\ndef f(): pass\n```",
            "fin **negrita",
            "[x]: https://example.com",
        ]
    )
    pieces = tuple(Text(text[at : at + 3]) for at in range(0, len(text), 3))
    stack.upstream.script(marker, Script(steps=(*pieces, End(), Done())))
    streamed = chat.text(chat.ask(marker))
    coloured = streamed.locator("code:has([class^=hljs])")
    expect(coloured).to_have_count(3)
    before = streamed.inner_html()
    chat.reload()
    expect(coloured).to_have_count(3)
    assert streamed.inner_html() == before
