"""Backup and restore, tried for real: what comes back is what was there, and the house goes on."""

import uuid
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text

from common.audit import Limits, audit
from common.config import TestingConfig
from common.db import Database
from tests.commands.calling import call
from tests.common.rows import make_user, post
from tests.databases import Databases
from tests.web.hand import Hand
from web.create_app import create_app

KEPT = ("users", "api_keys", "conversations", "messages", "jobs", "idempotency_keys", "models")


def contents(config: TestingConfig) -> dict[str, list[str]]:
    """Every row of every table that is kept, as text."""
    database = Database(config.DATABASE_URL, pool_size=1)
    with database.transaction() as session:
        found = {
            name: sorted(session.scalars(text(f"SELECT CAST(row AS text) FROM {name} AS row")))
            for name in KEPT
        }
    database.close()
    return found


@pytest.fixture
def lived_in(config: TestingConfig, database: Database) -> TestingConfig:
    """A house with conversations, one of them running, an awkward text, a key and a listing."""
    hand = Hand.of(config)
    assert call(config, "demo-data", "--conversations", "4") == 0
    assert call(config, "create-user", "Alice") == 0
    with database.transaction() as session:
        bob = make_user(session, "Bob \\N 'ñ'\t\n")
        running = post(session, content="\\N\t\\.\n👩‍💻 \x01", user_id=bob).job.id
    hand.claim(str(running))
    hand.list_models(gpt_test={"context_window": 8192})
    hand.close()
    return config


@pytest.fixture
def elsewhere(config: TestingConfig, databases: Databases) -> TestingConfig:
    """Settings on a database without any table."""
    url = databases.create_database(f"restored_{uuid.uuid4().hex[:8]}")
    return config.model_copy(update={"DATABASE_URL": url})


def test_what_comes_back_is_what_was_there_and_keeps_every_promise(
    lived_in: TestingConfig,
    elsewhere: TestingConfig,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "epicode.zip"
    before = contents(lived_in)
    assert all(before[name] for name in ("users", "api_keys", "messages", "jobs", "models"))

    assert call(lived_in, "backup", str(file)) == 0
    capsys.readouterr()
    assert call(elsewhere, "restore", str(file)) == 0

    assert contents(elsewhere) == before
    assert capsys.readouterr().out.startswith(f"{sum(map(len, before.values()))} rows of ")
    assert file.stat().st_mode & 0o777 == 0o600
    database = Database(elsewhere.DATABASE_URL, pool_size=1)
    with database.transaction() as session:
        assert audit(session, Limits.of(elsewhere)) == []
    database.close()
    answer = (
        create_app(elsewhere)
        .test_client()
        .get("/api/conversations", headers={"Host": "127.0.0.1:8000"})
    )
    assert len(answer.get_json()["data"]) == 4


def test_a_migrated_but_unused_database_will_do(
    lived_in: TestingConfig, elsewhere: TestingConfig, tmp_path: Path
) -> None:
    file = tmp_path / "epicode.zip"
    assert call(lived_in, "backup", str(file)) == 0
    assert call(elsewhere, "migrate") == 0

    assert call(elsewhere, "restore", str(file)) == 0

    assert contents(elsewhere) == contents(lived_in)


def test_a_database_that_is_used_is_not_touched(
    lived_in: TestingConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "epicode.zip"
    assert call(lived_in, "backup", str(file)) == 0
    before = contents(lived_in)

    assert call(lived_in, "restore", str(file)) == 1

    assert "use an empty one" in capsys.readouterr().err
    assert contents(lived_in) == before


@pytest.mark.parametrize("harm", ["cut", "changed", "other", "absent"])
def test_a_file_that_is_no_whole_backup_restores_nothing(
    lived_in: TestingConfig,
    elsewhere: TestingConfig,
    tmp_path: Path,
    harm: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "epicode.zip"
    assert call(lived_in, "backup", str(file)) == 0
    content = bytearray(file.read_bytes())
    if harm == "cut":
        file.write_bytes(content[: len(content) // 2])
    if harm == "changed":
        content[200] ^= 0xFF
        file.write_bytes(content)
    if harm == "other":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("photo.jpg", b"x")
    if harm == "absent":
        file.unlink()

    assert call(elsewhere, "restore", str(file)) == 1

    (line,) = [each for each in capsys.readouterr().err.splitlines() if "EpiCode:" in each]
    assert str(file) in line or "nothing was restored" in line
    database = Database(elsewhere.DATABASE_URL, pool_size=1)
    with database.transaction() as session:
        assert session.scalar(text("SELECT to_regclass('conversations')")) is None
    database.close()


def test_a_backup_that_can_not_be_written_leaves_the_old_one(
    lived_in: TestingConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(lived_in, "backup", str(tmp_path / "no" / "such" / "folder.zip")) == 1
    assert "no backup" in capsys.readouterr().err


def test_no_table_counts_for_itself(database: Database) -> None:
    """A sequence would have to be restored too, and a backup knows none."""
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM pg_sequences")) == 0


def test_demo_data_keep_every_promise(config: TestingConfig, database: Database) -> None:
    assert call(config, "demo-data", "--conversations", "5", "--user", "Alice") == 0

    with database.transaction() as session:
        assert audit(session, Limits.of(config)) == []
        assert session.scalar(text("SELECT count(*) FROM conversations")) == 5
        titles = list(session.scalars(text("SELECT title FROM conversations ORDER BY updated_at")))
    assert titles[-1] == "Una cola en PostgreSQL"
    assert titles[0].endswith("2")
