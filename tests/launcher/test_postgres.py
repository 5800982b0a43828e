import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from deploy.local.embedded import postgres_programs
from deploy.local.errors import OperatorError
from deploy.local.identity import can_run, possible_identities
from deploy.local.postgres import LONGEST_SOCKET_FOLDER, Postgres
from deploy.local.processes import command_of
from tests.databases import Databases, Server


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    with Databases(tmp_path_factory.mktemp("databases")) as running:
        yield running


def query(url: str, sql: str) -> object:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def test_it_speaks_utf_8_in_utc_and_the_role_is_no_superuser(databases: Databases) -> None:
    url = databases.postgres.url

    assert query(url, "SELECT current_user || '@' || current_database()") == "epicode@epicode"
    assert query(url, "SHOW server_encoding") == "UTF8"
    assert query(url, "SHOW timezone") == "UTC"
    assert query(url, "SELECT upper('ñandú')") == "ÑANDÚ"
    assert query(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_nobody_gets_in_without_the_password_and_the_superuser_not_at_all(
    databases: Databases,
) -> None:
    url = databases.postgres.url
    password = (databases.folder / "postgres_password").read_text().strip()
    psycopg2.connect(url).close()

    for wrong in (
        url.replace(password, "wrong"),
        url.replace(f":{password}", ""),
        url.replace("epicode:", "postgres:"),
    ):
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(wrong, connect_timeout=5)


def test_it_listens_on_a_private_socket_and_on_no_network_address(databases: Databases) -> None:
    folder = databases.folder / "socket"
    assert (folder / ".s.PGSQL.5432").is_socket()
    assert folder.stat().st_mode & 0o777 == 0o700

    assert query(databases.postgres.url, "SHOW listen_addresses") == ""


def test_its_pid_is_the_postmasters_and_its_secrets_are_private(databases: Databases) -> None:
    pid_file = databases.folder / "postgres" / "postmaster.pid"

    assert int(pid_file.read_text().splitlines()[0]) == databases.postgres.pid
    assert (databases.folder / "postgres_password").stat().st_mode & 0o777 == 0o600
    password = (databases.folder / "postgres_password").read_text().strip()
    assert "postgres" in command_of(databases.postgres.pid)
    assert password not in command_of(databases.postgres.pid)


def test_what_was_committed_is_there_after_kill_9_and_the_address_is_the_same(
    databases: Databases,
) -> None:
    url = databases.create_database("kept")
    query(url, "CREATE TABLE kept AS SELECT 1 AS x")

    old = databases.postgres.kill()
    new = databases.postgres.start()

    assert new != old
    assert query(url, "SELECT x FROM kept") == 1


def test_a_stale_pid_file_that_names_another_living_process_stops_nothing(
    databases: Databases, child: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    stranger = child("sleep", "60")
    databases.postgres.stop()
    pid_file = databases.folder / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n{pid_file.parent}\n1\n5432\n\n\n1 2\nready\n")

    databases.postgres.start()

    assert stranger.poll() is None
    assert query(databases.postgres.url, "SELECT 1") == 1


def test_a_server_that_lives_on_the_folder_is_stopped_before_another_starts(
    databases: Databases, site_packages: Path
) -> None:
    forgotten = databases.postgres.pid
    again = Server(
        Postgres(databases.folder, site_packages, durable=False), databases.folder / "again.log"
    )

    again.start()
    try:
        assert again.pid != forgotten
        assert query(again.url, "SELECT 1") == 1
    finally:
        again.stop()
        databases.postgres.stop()
        databases.postgres.start()


def test_a_copy_of_a_database_is_a_database_of_its_own(databases: Databases) -> None:
    original = databases.create_database("original")
    query(original, "CREATE TABLE t AS SELECT 1 AS x")

    copy = databases.create_database("copy", template="original")
    query(copy, "UPDATE t SET x = 2")

    assert query(original, "SELECT x FROM t") == 1
    assert query(databases.create_database("copy"), "SELECT to_regclass('t')") is None


def test_data_of_another_version_are_left_alone_with_a_sentence(
    tmp_path: Path, site_packages: Path
) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("99\n")

    with pytest.raises(OperatorError, match="PostgreSQL 99") as refused:
        Postgres(tmp_path, site_packages).prepare()

    assert "\n" not in str(refused.value)
    assert "--data" in str(refused.value)


def test_a_folder_that_is_no_data_folder_is_left_alone_with_a_sentence(
    tmp_path: Path, site_packages: Path
) -> None:
    (tmp_path / "postgres").mkdir()

    with pytest.raises(OperatorError, match="postgres"):
        Postgres(tmp_path, site_packages).prepare()


def test_a_long_path_with_spaces_gets_its_socket_elsewhere(
    tmp_path: Path, site_packages: Path
) -> None:
    folder = tmp_path / ("año nuevo " * 12)
    folder.mkdir()
    server = Postgres(folder, site_packages, durable=False)

    with_life = Server(server, folder / "log")
    with_life.start()
    socket_folder = with_life.url.rpartition("host=")[2]
    try:
        assert query(with_life.url, "SELECT 1") == 1
        assert len(socket_folder) <= LONGEST_SOCKET_FOLDER
        assert not socket_folder.startswith(str(folder))
        assert os.stat(socket_folder).st_mode & 0o777 == 0o700
    finally:
        with_life.stop()
        server.clear_away()
    assert not os.path.exists(socket_folder)


def test_it_runs_by_each_way_that_this_user_and_machine_have(
    tmp_path: Path, site_packages: Path
) -> None:
    """In a row, on one folder: what one way made, the next takes over."""
    worked = []
    for parent in (tmp_path, *tmp_path.parents[:3]) if os.geteuid() == 0 else ():
        # the last way needs folders that others may pass, as real ones for it are
        parent.chmod(parent.stat().st_mode | 0o711)
    for identity in possible_identities():
        server = Server(
            Postgres(tmp_path, site_packages, durable=False, identity=identity), tmp_path / "log"
        )
        if not can_run(identity, postgres_programs(site_packages) / "postgres"):
            continue
        server.start()
        try:
            assert query(server.url, "SELECT 1") == 1
            assert (tmp_path / "postgres" / "PG_VERSION").stat().st_uid == identity.owner
            worked.append(identity)
        finally:
            server.stop()

    assert worked
