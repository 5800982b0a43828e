"""The reader's cursor: how far into which attempt a reader has read. Opaque to clients.

The offset counts UTF-8 bytes, because Python counts code points and JavaScript UTF-16 units.
"""

import base64
import binascii
from dataclasses import dataclass

from common.errors import EpiCodeError


@dataclass(frozen=True)
class Cursor:
    """Attempt (0: none yet) and offset in bytes of the reply's UTF-8 text."""

    attempt: int
    offset: int

    def encode(self) -> str:
        return (
            base64.urlsafe_b64encode(f"{self.attempt}.{self.offset}".encode()).decode().rstrip("=")
        )

    @classmethod
    def decode(cls, opaque: str) -> "Cursor":
        """Raises EpiCodeError `invalid_input` for what we did not hand out."""
        try:
            padded = opaque + "=" * (-len(opaque) % 4)
            attempt, offset = base64.b64decode(padded, altchars=b"-_", validate=True).split(b".")
            if not (attempt.isdigit() and offset.isdigit() and len(attempt) + len(offset) < 24):
                raise ValueError(opaque)
            return cls(int(attempt), int(offset))
        except (ValueError, binascii.Error, UnicodeError):
            fields = [{"field": "cursor", "key": "invalid.cursor"}]
            raise EpiCodeError("invalid_input", fields=fields) from None


@dataclass(frozen=True)
class Reading:
    """What a reader gets: the text from its cursor on, where it is now, whether to start over."""

    text: str
    cursor: Cursor
    reset: bool


def read_on(cursor: Cursor | None, attempt: int, text: bytes, *, finished: bool) -> Reading:
    """What a reader at `cursor` gets of the current attempt's whole text.

    Same attempt and within the text: the rest. Same attempt, beyond an unfinished text (the live
    log was lost and isn't written anew yet): nothing, cursor unchanged. Otherwise: start over.
    """
    if cursor is None or cursor.attempt == 0:  # nothing was claimed yet, so nothing was shown
        start, reset = 0, False
    elif cursor.attempt == attempt and cursor.offset <= len(text):
        start, reset = character_start(text, cursor.offset), False
    elif cursor.attempt == attempt and not finished:
        return Reading("", cursor, reset=False)
    else:
        start, reset = 0, True
    return Reading(text[start:].decode("utf-8", "replace"), Cursor(attempt, len(text)), reset)


def character_start(text: bytes, offset: int) -> int:
    """`offset`, moved back to where a UTF-8 character starts. Ours always are at one already."""
    while 0 < offset < len(text) and text[offset] & 0xC0 == 0x80:
        offset -= 1
    return offset
