"""Old code survives every migration: what it reads stays, and what it writes is still taken.

The web migrates first, so workers of the version before run on the new tables for a while. Each
step is applied to a real database and compared with the one before.
"""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask_migrate import upgrade
from sqlalchemy import Engine, create_engine, inspect, text

from common.config import ROOT, TestingConfig
from common.db import driver_url
from tests.databases import Databases
from web.create_app import create_app


@dataclass(frozen=True)
class Column:
    """What old code meets in a column."""

    kind: str
    may_be_null: bool
    has_default: bool


# Revision → why old code isn't refused by the constraint that it adds.
REFUSES_NOBODY = {"2026_11_23_title_conversations": "no version before makes a job of kind title"}
Tables = dict[str, dict[str, Column]]
# table → what it refuses: (kind, columns or text)
Refusals = dict[str, set[tuple[str, str]]]


def tables(engine: Engine) -> Tables:
    inspector = inspect(engine)
    return {
        table: {
            column["name"]: Column(
                str(column["type"]),
                bool(column["nullable"]),
                column["default"] is not None or "computed" in column,
            )
            for column in inspector.get_columns(table)
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def refusals(engine: Engine) -> Refusals:
    inspector = inspect(engine)

    def of(table: str) -> set[tuple[str, str]]:
        checks: list[Any] = inspector.get_check_constraints(table)
        uniques: list[Any] = inspector.get_unique_constraints(table)
        keys: list[Any] = inspector.get_foreign_keys(table)
        indexes: list[Any] = [index for index in inspector.get_indexes(table) if index["unique"]]
        return (
            {("check", str(check["sqltext"])) for check in checks}
            | {("unique", str(each["column_names"])) for each in [*uniques, *indexes]}
            | {("foreign key", str(key["constrained_columns"])) for key in keys}
        )

    return {table: of(table) for table in inspector.get_table_names()}


def breaks(before: Tables, after: Tables) -> list[str]:
    """What code that knows `before` can't do on `after`."""
    found = []
    for table, columns in before.items():
        if table not in after:
            found.append(f"{table} is gone")
            continue
        for name, column in columns.items():
            now = after[table].get(name)
            if now is None:
                found.append(f"{table}.{name} is gone")
            elif now.kind != column.kind:
                found.append(f"{table}.{name} was {column.kind}, is {now.kind}")
            elif column.may_be_null and not now.may_be_null:
                found.append(f"{table}.{name} may no longer be null")
            elif column.has_default and not now.has_default:
                found.append(f"{table}.{name} has no default any more")
        for name in after[table].keys() - columns.keys():
            added = after[table][name]
            if not (added.may_be_null or added.has_default):
                found.append(f"{table}.{name} is new and must be given")
    return found


def refused(before: Refusals, after: Refusals, known: Tables) -> list[str]:
    """New constraints on columns that old code writes: they may refuse it. Those of new columns
    alone refuse nobody."""
    return [
        f"{table}: new {kind} of {what}"
        for table in before
        for kind, what in after.get(table, set()) - before[table]
        if set(re.findall(r"\w+", what)) & set(known.get(table, {}))
    ]


@pytest.fixture
def empty(databases: Databases, config: TestingConfig) -> TestingConfig:
    return config.model_copy(update={"DATABASE_URL": databases.create_database("step_by_step")})


def test_no_migration_takes_anything_from_the_code_before_it(empty: TestingConfig) -> None:
    steps = [
        script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()
    ]
    engine = create_engine(driver_url(empty.DATABASE_URL))
    seen: list[tuple[Tables, Refusals]] = []
    with create_app(empty).app_context():
        for revision in reversed(steps):
            upgrade(revision=revision)
            seen.append((tables(engine), refusals(engine)))
    engine.dispose()

    assert len(seen) == len(steps) > 2
    for revision, (before, refused_before), (after, refused_after) in zip(
        list(reversed(steps))[1:], seen, seen[1:], strict=False
    ):
        assert breaks(before, after) == [], revision
        new = refused(refused_before, refused_after, before)
        assert bool(new) == (revision in REFUSES_NOBODY), (revision, new)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("ALTER TABLE jobs DROP COLUMN request_id", "jobs.request_id is gone"),
        ("ALTER TABLE jobs RENAME COLUMN model TO name", "jobs.model is gone"),
        ("ALTER TABLE users ADD COLUMN colour text NOT NULL", "users.colour is new and must be"),
        ("ALTER TABLE jobs ALTER model TYPE varchar(5)", "jobs.model was TEXT, is VARCHAR(5)"),
        ("ALTER TABLE messages ALTER model SET NOT NULL", "messages.model may no longer be null"),
        ("ALTER TABLE jobs ALTER kind DROP DEFAULT, ALTER status DROP DEFAULT", "has no default"),
        ("DROP TABLE workers", "workers is gone"),
        ("ALTER TABLE jobs ADD CHECK (model <> 'x')", "jobs: new check"),
        ("CREATE UNIQUE INDEX ON users (display_name)", "users: new unique"),
    ],
)
def test_what_old_code_would_not_survive_is_found(
    config: TestingConfig, change: str, complaint: str
) -> None:
    engine = create_engine(driver_url(config.DATABASE_URL))
    before, refused_before = tables(engine), refusals(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM users"))
        connection.execute(text(change))

    found = breaks(before, tables(engine)) + refused(refused_before, refusals(engine), before)
    engine.dispose()

    assert any(complaint in each for each in found), found
