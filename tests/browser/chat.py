"""The page as a person sees it: by roles and words, in Spanish unless a test chooses English."""

from playwright.sync_api import Locator, Page, expect

SEND = "Enviar"
STOP = "Detener"


class Chat:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, path: str) -> None:
        self.page.goto(path)
        # the model's name comes last: the page is ready then
        expect(self.model_button).not_to_have_text("Sin modelo")

    def reload(self) -> None:
        self.page.reload()
        expect(self.model_button).not_to_have_text("Sin modelo")

    def send(self, text: str) -> None:
        self.field.fill(text)
        self.page.keyboard.press("Enter")

    def ask(self, text: str) -> Locator:
        """Sends and waits until the reply has ended; the reply."""
        before = self.replies.count()
        self.send(text)
        reply = self.reply(before)
        expect(reply).to_have_attribute("aria-busy", "false")
        return reply

    def choose(self, item: str) -> None:
        """An item of the menu of the conversation in view."""
        self.page.get_by_role("button", name="Opciones de la conversación").click()
        self.page.locator("#topbar").get_by_role("button", name=item).click()

    @property
    def field(self) -> Locator:
        return self.page.get_by_role("textbox", name="Mensaje", exact=True)

    @property
    def button(self) -> Locator:
        """Sends, or stops while there is nothing to send."""
        return self.page.locator("#composer [data-send]")

    @property
    def model_button(self) -> Locator:
        return self.page.locator(".model-button")

    @property
    def turns(self) -> Locator:
        return self.page.locator("#transcript article")

    @property
    def questions(self) -> Locator:
        return self.page.get_by_role("article", name="Tú")

    @property
    def said(self) -> Locator:
        """What the person's turns say, without the buttons around it."""
        return self.page.locator("#transcript .card-said")

    @property
    def replies(self) -> Locator:
        return self.page.get_by_role("article", name="EpiCode")

    def reply(self, index: int = 0) -> Locator:
        return self.replies.nth(index)

    @staticmethod
    def text(reply: Locator) -> Locator:
        return reply.locator(".markdown")

    @property
    def notices(self) -> Locator:
        return self.page.locator("#notices")

    @property
    def list(self) -> Locator:
        return self.page.get_by_role("navigation", name="Conversaciones")

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")

    @property
    def title(self) -> Locator:
        return self.page.get_by_role("heading", level=1)
