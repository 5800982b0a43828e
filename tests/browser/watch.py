"""What must never happen on a page: a dialog, a foreign request, a CSP report, a script error."""

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request

# A refused or broken request of a test's own making is no fault of the page.
HARMLESS = ("Failed to load resource",)


class Watch:
    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self.complaints: list[str] = []

    def over(self, context: BrowserContext) -> None:
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("dialog", self._dialog)
        context.on("page", self._page)

    def take(self) -> list[str]:
        """The complaints so far, which are then forgiven."""
        taken, self.complaints = self.complaints, []
        return taken

    def _page(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.complaints.append(f"foreign request: {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(HARMLESS):
            self.complaints.append(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()
