"""An error's words: the title says what happened, the detail says more and what to do next."""

import re

import pytest

from common.errors import STATUS_OF_CODE
from web.i18n import LANGUAGES, Language, catalogue, translate


def _words(sentence: str) -> list[str]:
    return re.findall(r"\w+", sentence.lower())


# What a person can do about an error begins with one of these; a sentence with none of them
# leaves its reader alone.
DEEDS: dict[Language, list[str]] = {
    "es": _words(
        "acorta acórtalo añade ábrelo comprueba compárala crea detenla detenlo dilo edítalo"
        " elige empieza envía envíalo espera inicia mira pide pídele prueba revisa suelta usa"
    ),
    "en": _words(
        "add ask check choose compare edit look make open put send shorten start stop try unpin"
        " use wait"
    ),
}
EVERY = [(code, lang) for code in STATUS_OF_CODE for lang in LANGUAGES]


@pytest.mark.parametrize(("code", "lang"), EVERY)
def test_the_detail_of_an_error_says_what_to_do(code: str, lang: Language) -> None:
    detail = _words(catalogue(lang)[f"error.{code}.detail"])

    assert set(DEEDS[lang]) & set(detail)


@pytest.mark.parametrize(("code", "lang"), EVERY)
def test_the_detail_of_an_error_says_more_than_its_title(code: str, lang: Language) -> None:
    title, detail = (
        _words(catalogue(lang)[f"error.{code}.{part}"]) for part in ("title", "detail")
    )

    assert len(set(detail) - set(title)) >= 4
    assert detail[: len(title)] != title


@pytest.mark.parametrize(("code", "lang"), EVERY)
def test_a_title_is_short_and_needs_no_numbers(code: str, lang: Language) -> None:
    title = catalogue(lang)[f"error.{code}.title"]

    assert len(title) <= 40
    assert "{" not in title
    assert not title.endswith(".")


def test_every_deed_is_one_that_some_error_asks_for() -> None:
    for lang in LANGUAGES:
        asked = {
            word
            for code in STATUS_OF_CODE
            for word in _words(catalogue(lang)[f"error.{code}.detail"])
        }
        assert set(DEEDS[lang]) - asked == set()


def test_a_number_that_is_missing_leaves_its_braces_which_is_how_a_test_sees_it() -> None:
    filled = translate("en", "error.too_many_waiting.detail", limit=2)

    assert "{" not in filled
    assert "{limit}" in translate("en", "error.too_many_waiting.detail")
