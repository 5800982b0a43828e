"""Every sentence in Spanish and in English, chosen by cookie, else by header, else Spanish."""

import ast
import json
import re
from pathlib import Path

import pytest

from common.config import ROOT
from common.errors import STATUS_OF_CODE
from tests.web.hand import Hand
from tests.web.people import Person
from web.i18n import LANGUAGES, catalogue

ES, EN = (catalogue(lang) for lang in LANGUAGES)
SERVERS = ("error.", "docs.")


def _placeholders(sentence: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", sentence))


def _sources() -> list[Path]:
    folders = [ROOT / name for name in ("common", "web", "worker")]
    return [path for folder in folders for path in folder.rglob("*.py")]


def _raised(*kinds: str) -> list[tuple[str, str, set[str]]]:
    """(where, code, names of its numbers) of every error of these kinds in the source."""
    found = []
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in kinds or not node.args:
                continue
            if isinstance(node.args[0], ast.Constant):
                names = {keyword.arg or "**" for keyword in node.keywords}
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                found.append((where, node.args[0].value, names))
    return found


@pytest.mark.parametrize("code", STATUS_OF_CODE)
def test_every_code_has_a_title_and_a_detail_in_both_languages(code: str) -> None:
    for texts in (ES, EN):
        assert texts[f"error.{code}.title"].strip()
        assert texts[f"error.{code}.detail"].strip()


def test_every_sentence_for_an_error_belongs_to_a_code() -> None:
    codes = {
        match[1] for key in ES if (match := re.fullmatch(r"error\.(\w+)\.(title|detail)", key))
    }

    assert codes == set(STATUS_OF_CODE)


def test_both_languages_have_the_same_sentences_with_the_same_placeholders() -> None:
    ours = {key for key in ES if key.startswith(SERVERS)}

    assert ours == {key for key in EN if key.startswith(SERVERS)}
    for key in ours:
        assert _placeholders(ES[key]) == _placeholders(EN[key]), key


def test_no_key_of_a_language_file_is_there_twice() -> None:
    for lang in LANGUAGES:
        pairs = json.loads(
            (ROOT / "web" / "static" / "i18n" / f"{lang}.json").read_text("utf-8"),
            object_pairs_hook=list,
        )
        keys = [key for key, _ in pairs]
        assert len(set(keys)) == len(keys)


def test_every_error_in_the_source_has_a_known_code() -> None:
    raised = _raised("EpiCodeError", "UpstreamError")

    assert len(raised) > 20
    for where, code, _ in raised:
        assert code in STATUS_OF_CODE, where


def test_every_error_of_ours_brings_the_numbers_of_its_sentence() -> None:
    # a model server's errors get theirs when the job is settled: see the next test
    for where, code, names in _raised("EpiCodeError"):
        wanted = _placeholders(EN[f"error.{code}.title"] + EN[f"error.{code}.detail"])
        assert wanted <= names, f"{where}: {code} needs {wanted - names}"


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        (None, "es"),
        ("", "es"),
        ("es", "es"),
        ("en", "en"),
        ("en-GB,en;q=0.9,es;q=0.5", "en"),
        ("es-MX,en;q=0.8", "es"),
        ("en;q=0.2, es-AR;q=0.9", "es"),
        ("fr, en;q=0.4", "en"),
        ("fr", "es"),
        ("*", "es"),
        ("en;q=0", "es"),
        ("en;q=zz", "es"),
        ("EN-us", "en"),
        ("\xff\xfe, ;;;q=", "es"),
    ],
)
def test_the_language_is_the_best_of_the_header(
    alice: Person, header: str | None, lang: str
) -> None:
    headers = {} if header is None else {"Accept-Language": header}

    problem = alice.get("/api/nothing", headers=headers).get_json()

    assert problem["title"] == catalogue(lang)["error.not_found.title"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cookie", "lang"), [("en", "en"), ("es", "es"), ("fr", "es"), ("", "es"), ("EN\x01", "es")]
)
def test_a_cookie_with_a_language_wins_over_the_header(
    alice: Person, cookie: str, lang: str
) -> None:
    header = {"Accept-Language": "es" if cookie == "en" else "es, en;q=0.1"}

    problem = alice.get("/api/nothing", headers=header, lang=cookie).get_json()

    assert problem["title"] == catalogue(lang)["error.not_found.title"]  # type: ignore[arg-type]


def test_a_refused_field_is_explained_in_the_readers_language(alice: Person) -> None:
    spanish = alice.post("/api/ask", json={}).get_json()["errors"][0]["message"]
    english = alice.post("/api/ask", json={}, lang="en").get_json()["errors"][0]["message"]

    assert (spanish, english) == ("Falta este campo.", "This field is missing.")


def test_a_choice_is_explained_without_a_word_of_another_language(alice: Person) -> None:
    errors = alice.get("/api/conversations?archived=2").get_json()["errors"]

    assert errors == [{"field": "archived", "message": "Debe ser uno de '0', '1'."}]


def test_the_default_instructions_are_in_the_language_of_who_asks(alice: Person) -> None:
    spanish = alice.converse()["system_prompt"]
    english = alice.post("/api/conversations", json={}, lang="en").get_json()["system_prompt"]

    assert "asistente de programación" in spanish
    assert "programming assistant" in english


def test_a_waiting_job_is_explained_in_the_readers_language(alice: Person, hand: Hand) -> None:
    job = alice.say(alice.converse()["id"])["job"]["id"]
    hand.let_wait(job)

    spanish = alice.poll(job)["queue"]["notice"]
    english = alice.get(f"/api/jobs/{job}", lang="en").get_json()["queue"]["notice"]

    assert spanish == ES["error.no_worker.notice"]
    assert english == EN["error.no_worker.notice"]
