"""The text catalogue, shared with the browser: static/i18n/{es,en}.json, flat keys."""

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from flask import request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

Language = Literal["es", "en"]
LANGUAGES: tuple[Language, ...] = ("es", "en")
_FOLDER = Path(__file__).parent / "static" / "i18n"


def language() -> Language:
    """The request's language: cookie `lang`, else Accept-Language, else Spanish."""
    return _language_of(request.cookies.get("lang"), request.headers.get("Accept-Language"))


@lru_cache(maxsize=256)
def _language_of(cookie: str | None, accepted: str | None) -> Language:
    # Not best_match: it prefers the English of "es-MX, en;q=0.8" to a Spanish of another country.
    accept = parse_accept_header(accepted, LanguageAccept)
    asked = [tag.lower().partition("-")[0] for tag, weight in accept if weight]
    for chosen in (cookie, *asked):
        if chosen in LANGUAGES:
            return chosen
    return "es"


def translate(lang: Language, key: str, **params: Any) -> str:
    """The catalogue's sentence with its {placeholders} filled; KeyError for an unknown key."""
    sentence = catalogue(lang)[key]
    for name, value in params.items():
        sentence = sentence.replace("{" + name + "}", str(value))
    return sentence


@cache
def catalogue(lang: Language) -> dict[str, str]:
    return cast(dict[str, str], json.loads((_FOLDER / f"{lang}.json").read_text("utf-8")))
