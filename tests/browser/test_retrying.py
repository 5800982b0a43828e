"""A reply that failed: its text stays, the reason is told, and one click asks for another."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Route, expect

from common import jobs
from common.db import Database
from common.errors import EpiCodeError
from common.jobs import Said
from common.live_log import LiveLog
from tests.browser.chat import Chat
from tests.browser.conftest import DESKTOP, PHONE
from tests.stack import Stack
from tests.upstream import Answer, Cut, Pause, Script, Silence, Text, failing, reply
from web.i18n import Language, catalogue

SAID = "Hasta aquí había llegado"
# Long enough for a page that looks several times a second to show it.
CUT = Script(steps=(Text(SAID), Pause(0.5), Cut()))
LOCALES: dict[Language, str] = {"es": "es-ES", "en": "en-GB"}


class Scene:
    """One page in one language, with a question whose reply fails."""

    def __init__(self, chat: Chat, lang: Language, marker: str) -> None:
        self.page, self.chat, self.lang = chat.page, chat, lang
        self.marker = marker
        self.calls: list[str] = []
        self.page.on("request", lambda request: self._note(request.method, request.url))

    def word(self, key: str) -> str:
        return catalogue(self.lang)[key]

    def ask(self) -> Locator:
        self.page.get_by_role("textbox", name=self.word("ui.composer.label"), exact=True).fill(
            self.marker
        )
        self.page.keyboard.press("Enter")
        return self.reply

    @property
    def reply(self) -> Locator:
        return self.chat.reply()

    @property
    def retry(self) -> Locator:
        return self.reply.get_by_role("button", name=self.word("ui.retry"))

    def shows_failure(self, code: str, text: str = "") -> None:
        """The reply has failed, and says so in words; what it said before is there."""
        failure = self.reply.get_by_role("group", name=self.word(f"error.{code}.title"))
        expect(failure).to_contain_text(self.word(f"error.{code}.detail"), timeout=20_000)
        expect(self.chat.text(self.reply)).to_have_text(text)
        expect(self.retry).to_be_visible()

    def is_answered(self) -> None:
        """Another reply stands in its place, whole, made by one call."""
        expect(self.chat.text(self.reply)).to_have_text("a la segunda", timeout=20_000)
        expect(self.reply).to_have_attribute("aria-busy", "false")
        expect(self.retry).to_have_count(0)
        position = self.word("ui.siblings.position").format(n=2, of=2)
        expect(self.reply).to_contain_text(position)
        assert len(self.calls) == 1

    def _note(self, method: str, url: str) -> None:
        if method == "POST" and url.endswith("/replies"):
            self.calls.append(url)


@pytest.fixture
def scene(open_chat: Callable[..., Chat], marker: str) -> Callable[..., Scene]:
    def open_scene(lang: Language = "es", **options: object) -> Scene:
        return Scene(open_chat("/", locale=LOCALES[lang], **options), lang, marker)

    return open_scene


@pytest.mark.parametrize(
    ("lang", "answer", "code", "said"),
    [
        ("es", CUT, "upstream_unavailable", SAID),
        ("en", CUT, "upstream_unavailable", SAID),
        ("en", failing(500), "upstream_unavailable", ""),
        ("es", failing(401, "invalid_api_key"), "invalid_api_key", ""),
    ],
)
def test_one_click_after_a_failure_asks_again_and_loses_nothing(
    scene: Callable[..., Scene],
    stack: Stack,
    marker: str,
    lang: Language,
    answer: Answer,
    code: str,
    said: str,
) -> None:
    stack.upstream.script(marker, answer)
    seen = scene(lang)
    seen.ask()
    seen.shows_failure(code, said)
    seen.page.reload()
    seen.shows_failure(code, said)
    stack.upstream.script(marker, reply("a la segunda"))

    seen.retry.click()

    seen.is_answered()
    seen.reply.get_by_role("button", name=seen.word("ui.siblings.earlier")).click()
    seen.shows_failure(code, said)


def test_a_reply_whose_workers_were_lost_can_be_asked_for_again(
    scene: Callable[..., Scene], stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, Script(steps=(Text(SAID), Silence())))
    seen = scene("en")
    expect(seen.chat.text(seen.ask())).to_have_text(SAID)
    with stack.client() as client:
        here = seen.page.url.rpartition("/")[2]
        [job] = client.get("/api/jobs", params={"conversation_id": here}).json()["data"]
    # what a sweep does when a job's failures are spent
    lost = EpiCodeError("worker_lost", retryable=True, failures=3)
    database = Database(stack.database_url, pool_size=1)
    with database.transaction() as session:
        job_id = uuid.UUID(job["id"])
        assert jobs.fail(session, job_id, job["attempt"], lost.as_record(), Said(text=SAID))
    database.close()
    live_log = LiveLog.connect(stack.environment["REDIS_URL"])
    live_log.mark_done(job_id, job["attempt"])
    live_log.close()
    expect(seen.reply).to_contain_text("lost 3 times in a row", timeout=20_000)
    expect(seen.chat.text(seen.reply)).to_have_text(SAID)
    stack.upstream.script(marker, reply("a la segunda"))

    seen.retry.click()

    seen.is_answered()


def test_the_keyboard_reaches_the_button_and_the_failure_is_announced(
    scene: Callable[..., Scene], stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, CUT)
    seen = scene()
    seen.ask()
    seen.shows_failure("upstream_unavailable", SAID)
    expect(seen.chat.status).to_contain_text(seen.word("error.upstream_unavailable.detail"))
    stack.upstream.script(marker, reply("a la segunda"))

    for _ in range(12):  # backwards from the field, past what a reply offers
        seen.page.keyboard.press("Shift+Tab")
        if seen.retry.evaluate("button => button === document.activeElement"):
            break
    # what the page draws anew meanwhile leaves the focus where it is
    seen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(seen.retry).to_be_focused()
    seen.page.keyboard.press("Enter")

    seen.is_answered()
    expect(seen.chat.field).to_be_focused()


def test_two_clicks_ask_for_one_reply(
    scene: Callable[..., Scene], stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, failing(401, "invalid_api_key"))
    seen = scene()
    seen.ask()
    seen.shows_failure("invalid_api_key")
    stack.upstream.script(marker, reply("a la segunda"))

    seen.retry.dblclick()

    seen.is_answered()


def test_a_retry_whose_answer_was_lost_is_asked_for_again_and_made_once(
    scene: Callable[..., Scene], stack: Stack, marker: str
) -> None:
    stack.upstream.script(marker, failing(401, "invalid_api_key"))
    seen = scene()
    seen.ask()
    seen.shows_failure("invalid_api_key")
    stack.upstream.script(marker, reply("a la segunda"))

    def lose_the_answer(route: Route) -> None:
        route.fetch()  # it reaches the server; only the answer is lost
        route.abort()

    seen.page.route("**/replies", lose_the_answer)
    seen.retry.click()
    expect(seen.chat.notices).to_contain_text(seen.word("ui.error.no_answer"))
    seen.page.unroute("**/replies")
    seen.calls.clear()

    seen.retry.click()

    seen.is_answered()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_failure_is_in_view_and_can_be_read(
    scene: Callable[..., Scene],
    stack: Stack,
    marker: str,
    scheme: str,
    size: dict[str, object],
) -> None:
    stack.upstream.script(marker, failing(401, "invalid_api_key"))
    seen = scene(color_scheme=scheme, **size)
    seen.ask()
    if seen.page.evaluate("matchMedia('(pointer: coarse)').matches"):
        seen.page.get_by_role("button", name=seen.word("ui.composer.send")).click()
    seen.shows_failure("invalid_api_key")

    expect(seen.retry).to_be_in_viewport(ratio=1)
    box, width = seen.retry.bounding_box(), size["viewport"]["width"]
    assert box is not None
    assert box["height"] >= (44 if size is PHONE else 32)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    title = seen.reply.locator(".reply-failure strong")
    assert _contrast(title) >= 4.5
    assert _contrast(seen.reply.locator(".reply-failure p")) >= 4.5


def _contrast(text: Locator) -> float:
    """WCAG 2.2's contrast of an element's text with what is behind it."""
    ratio: float = text.evaluate(
        """(element) => {
          const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
          const light = ([r, g, b]) =>
            [r, g, b]
              .map((part) => part / 255)
              .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
              .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
          const ground = (box) => rgb(getComputedStyle(box).backgroundColor);
          let behind = element;
          while (ground(behind)[3] === 0) behind = behind.parentElement;
          const ink = rgb(getComputedStyle(element).color);
          const [one, other] = [light(ink), light(ground(behind))].sort((a, b) => b - a);
          return (one + 0.05) / (other + 0.05);
        }"""
    )
    return ratio
