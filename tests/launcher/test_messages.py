import ast
import re
import string
from pathlib import Path

import pytest

from deploy.local import messages
from deploy.local.paths import ROOT

LAUNCHER = [ROOT / "epicode", *sorted((ROOT / "deploy" / "local").glob("*.py"))]


def test_both_languages_say_the_same_things_with_the_same_values() -> None:
    assert messages.ENGLISH.keys() == messages.SPANISH.keys()
    for key, english in messages.ENGLISH.items():
        assert _values(english) == _values(messages.SPANISH[key]), key


def test_every_sentence_is_used_and_every_used_sentence_exists() -> None:
    code = "\n".join(path.read_text() for path in LAUNCHER if path.name != "messages.py")
    words = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)*)"', code))
    # keys put together from a prefix and a name: f"help.{name}", "python." + …
    prefixes = tuple(re.findall(r'"([a-z]+(?:\.[a-z]+)*\.)(?:\{|")', code))

    unused = [key for key in messages.ENGLISH if key not in words and not key.startswith(prefixes)]
    asked = re.findall(r'(?:text|OperatorError|refuse)\(\s*"([a-z_.]+[a-z])"', code)

    assert unused == []
    assert [key for key in asked if key not in messages.ENGLISH] == []


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_ES.UTF-8"}, "es"),
        ({"LANG": "es_MX.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "es_ES.UTF-8"}, "es"),
        ({"LANG": "es", "LC_ALL": ""}, "es"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_terminal_is_spanish_where_its_locale_is(
    environ: dict[str, str], language: str
) -> None:
    assert messages.language(environ) == language


@pytest.mark.parametrize("name", ["epicode", "deploy/__init__.py", "deploy/local/__init__.py",
                                  "deploy/local/messages.py"])  # fmt: skip
def test_what_an_old_python_must_read_it_can_read(name: str) -> None:
    ast.parse(Path(ROOT / name).read_text(), feature_version=(3, 6))


def _values(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
