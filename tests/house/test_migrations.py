"""The migrations make the tables that the models describe, there and back."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

import common.models  # noqa: F401 - registers the tables
from common.config import ROOT, TestingConfig
from common.db import Base, Database
from common.models.access import LOCAL_USER_ID
from tests.databases import Databases
from tests.house.commands import environment
from web.create_app import create_app

SCRIPTS = ScriptDirectory(str(ROOT / "migrations"))


@pytest.fixture
def empty(databases: Databases, config: TestingConfig) -> TestingConfig:
    """Settings on a database without any table."""
    url = databases.create_database("empty")
    return config.model_copy(update={"DATABASE_URL": url})


def differences(config: TestingConfig) -> list[object]:
    """What `flask db migrate` would write, server defaults included."""
    database = Database(config.DATABASE_URL, pool_size=1)
    try:
        with database.engine.connect() as connection:
            options = {"compare_type": True, "compare_server_default": True}
            context = MigrationContext.configure(connection, opts=options)
            return list(compare_metadata(context, Base.metadata))
    finally:
        database.close()


def tables(config: TestingConfig) -> set[str]:
    database = Database(config.DATABASE_URL, pool_size=1)
    try:
        return set(inspect(database.engine).get_table_names())
    finally:
        database.close()


def test_the_migrated_tables_are_the_models(config: TestingConfig) -> None:
    assert tables(config) == {*Base.metadata.tables, "alembic_version"}
    assert differences(config) == []


def test_a_difference_would_be_found(config: TestingConfig) -> None:
    database = Database(config.DATABASE_URL, pool_size=1)
    with database.transaction() as session:
        session.execute(text("ALTER TABLE jobs DROP COLUMN request_id"))
        session.execute(text("ALTER TABLE jobs ALTER COLUMN failures SET DEFAULT 7"))
    database.close()

    assert len(differences(config)) == 2


def test_the_check_constraints_are_the_models(config: TestingConfig) -> None:
    database = Database(config.DATABASE_URL, pool_size=1)
    made = {
        check["name"]
        for table in Base.metadata.tables
        for check in inspect(database.engine).get_check_constraints(table)
    }
    database.close()

    described = {
        str(constraint.name)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }
    assert made == described


def test_there_is_one_line_of_revisions_with_its_date_in_each_name() -> None:
    assert len(SCRIPTS.get_heads()) == 1
    for script in SCRIPTS.walk_revisions():
        assert Path(script.path).stem == script.revision
        assert script.revision[:10].replace("_", "").isdigit()


def test_downgrading_leaves_nothing_and_upgrading_makes_it_again(
    empty: TestingConfig,
) -> None:
    app = create_app(empty)
    with app.app_context():
        upgrade()
        assert differences(empty) == []

        downgrade(revision="base")
        assert tables(empty) == {"alembic_version"}

        upgrade()

    assert differences(empty) == []
    database = Database(empty.DATABASE_URL, pool_size=1)
    with database.transaction() as session:
        assert session.scalar(text("SELECT id FROM users")) == LOCAL_USER_ID
    database.close()


def test_two_migrations_at_once_take_turns(empty: TestingConfig) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "manage.py", "migrate"],
            cwd=ROOT,
            env=environment(empty),
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    said = [process.communicate(timeout=60)[1] for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert differences(empty) == []


def test_flask_db_upgrade_works_and_flask_db_migrate_finds_no_changes(
    empty: TestingConfig,
) -> None:
    before = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    flask = [sys.executable, "-m", "flask", "db"]

    upgraded = subprocess.run(
        [*flask, "upgrade"], cwd=ROOT, env=environment(empty), capture_output=True, text=True
    )
    checked = subprocess.run(
        [*flask, "check"], cwd=ROOT, env=environment(empty), capture_output=True, text=True
    )

    assert upgraded.returncode == 0, upgraded.stderr
    assert tables(empty) == {*Base.metadata.tables, "alembic_version"}
    assert checked.returncode == 0, checked.stderr
    assert sorted((ROOT / "migrations" / "versions").glob("*.py")) == before
