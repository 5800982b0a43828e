"""Cursors of listings: where the next page begins, opaque to clients."""

import base64
from typing import Any

from pydantic import ValidationError

from common.errors import EpiCodeError
from web.inputs import ListingCursor


def encode(cursor: ListingCursor) -> str:
    return base64.urlsafe_b64encode(cursor.model_dump_json(exclude_none=True).encode()).decode()


def decode(opaque: str | None, *, dated: bool = False) -> ListingCursor | None:
    """Raises `invalid_input` for a cursor that we did not hand out; `dated` ones have a time,
    and a listing knows its own kind only."""
    if opaque is None:
        return None
    try:
        cursor = ListingCursor.model_validate_json(base64.urlsafe_b64decode(opaque.encode()))
        if (cursor.at is not None) != dated:
            raise ValueError("a cursor of another listing")
        return cursor
    except (ValueError, ValidationError):
        fields: list[dict[str, Any]] = [{"field": "cursor", "key": "invalid.cursor"}]
        raise EpiCodeError("invalid_input", fields=fields) from None
