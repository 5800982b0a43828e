from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from deploy.local.paths import ROOT
from deploy.local.postgres import Postgres
from deploy.local.revisions import newest_revisions, tables_are_current
from tests.databases import Server


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    newest = newest_revisions(ROOT / "migrations" / "versions")

    assert newest == set(ScriptDirectory(str(ROOT / "migrations")).get_heads())
    assert len(newest) == 1


def test_branches_and_merges_are_followed(tmp_path: Path) -> None:
    revision = 'revision: str = "{}"\ndown_revision = {}\n'
    for name, before in (("a", None), ("b", "a"), ("c", "a"), ("d", ("b", "c"))):
        (tmp_path / f"{name}.py").write_text(revision.format(name, repr(before)))

    assert newest_revisions(tmp_path) == {"d"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, site_packages: Path) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("postgres")
    server = Postgres(folder, site_packages, durable=False)
    life = Server(server, folder / "log")
    life.start()
    yield server
    life.stop()


def test_only_tables_of_just_this_revision_are_current(server: Postgres, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text('revision = "one"\ndown_revision = None\n')
    assert not tables_are_current(server, tmp_path)

    server.run_sql("CREATE TABLE alembic_version (version_num text)")
    assert not tables_are_current(server, tmp_path)

    server.run_sql("INSERT INTO alembic_version VALUES ('one')")
    assert tables_are_current(server, tmp_path)

    server.run_sql("UPDATE alembic_version SET version_num = 'newer'")
    assert not tables_are_current(server, tmp_path)
