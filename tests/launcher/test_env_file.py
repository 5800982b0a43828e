from pathlib import Path

import pytest
from dotenv import dotenv_values

from deploy.local.env_file import add_to_env_file, read_env_file, settings_of
from deploy.local.errors import OperatorError

LINES = """\
# a comment
PLAIN=value
export EXPORTED=yes
 SPACED = out there \n
COMMENTED=value # said aside
HASH=abc#def
SINGLE='a b # c'
DOUBLE="a \\"b\\" # c"
TAB="a\\tb"
EMPTY=
EMPTY_COMMENTED= # nothing
URL=postgresql://u:p%40ss=@host/db?host=/tmp/x
AFTER_QUOTE="x" # aside
LAST=first
LAST=second
"""


def test_it_reads_what_the_application_reads(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(LINES)

    assert read_env_file(file) == dotenv_values(file)


def test_no_file_is_no_settings(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == {}


def test_an_unreadable_file_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()

    with pytest.raises(OperatorError, match=r"\.env"):
        read_env_file(tmp_path / ".env")


def test_adding_a_key_keeps_every_other_line_and_makes_the_file_private(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nOPENAI_API_KEY=old\nWEB_CONCURRENCY=4\n")
    file.chmod(0o644)

    add_to_env_file(file, "OPENAI_API_KEY", "sk-new")

    assert file.read_text() == "# mine\nWEB_CONCURRENCY=4\nOPENAI_API_KEY=sk-new\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_environment_wins_over_the_file_and_empty_counts_as_absent(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=file\nB=file\nC=\n")

    settings = settings_of({"A": "environment", "B": ""}, file)

    assert settings == {"A": "environment", "B": "file"}
