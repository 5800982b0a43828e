"""A model's output made storable: no NUL, no lone surrogates. Pure, one cleaner a stream."""

import re

_UNUSABLE = re.compile("[\x00\ud800-\udfff]")


class TextCleaner:
    """Cleans deltas as they come; a surrogate pair may be split over two of them."""

    def __init__(self) -> None:
        self._high = ""

    def feed(self, delta: str) -> str:
        """The clean text that is complete so far; a trailing high surrogate waits."""
        text = self._high + delta
        self._high = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        if _UNUSABLE.search(text):
            # Pairs become one character; what is alone afterwards has no meaning.
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
            text = _UNUSABLE.sub("", text)
        return text
