"""Reads a backup into an empty database and brings it to this version's tables.

Nothing that is there is overwritten: a database with conversations is refused. What was running
when the backup was made has lost its worker, and the sweep takes it up.
"""

import argparse
import json
import sys
import zipfile
from pathlib import Path

from flask_migrate import upgrade
from psycopg2 import Error
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Identifier

from commands.copying import FORMAT, MANIFEST, Manifest, copying
from commands.database import check_database
from commands.revision import known_revisions
from common.config import BaseConfig
from common.models.access import LOCAL_USER_ID
from web.create_app import create_app


class Refused(Exception):
    """The backup can't be read, or not into this database; the message says why."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="what manage.py backup wrote")


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    check_database(config)
    try:
        with zipfile.ZipFile(options.file) as archive:
            manifest = _manifest(archive)
            _check_empty(config)
            _upgrade(config, manifest.revision)
            with copying(config) as connection:
                _read(connection, archive, manifest)
    except (OSError, zipfile.BadZipFile) as error:
        print(f"EpiCode: {options.file} can't be read ({error})", file=sys.stderr)
        return 1
    except (Refused, Error) as refusal:
        print(f"EpiCode: nothing was restored ({str(refusal).strip()})", file=sys.stderr)
        return 1
    _upgrade(config, "head")
    rows = sum(table.rows for table in manifest.tables)
    print(f"{rows} rows of {len(manifest.tables)} tables, as of {manifest.made_at}")
    return 0


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    """What is in it; Refused if it is damaged, of another kind, or of a newer version."""
    damaged = archive.testzip()
    if damaged is not None:
        raise Refused(f"{damaged} is damaged")
    try:
        manifest = Manifest.of(json.loads(archive.read(MANIFEST)))
    except (KeyError, TypeError, ValueError):
        raise Refused("it is no backup of EpiCode") from None
    if manifest.format != FORMAT or manifest.revision not in known_revisions():
        raise Refused(f"it is of a newer version ({manifest.revision}): update EpiCode")
    return manifest


def _check_empty(config: BaseConfig) -> None:
    with copying(config) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('conversations') IS NOT NULL")
        ((has_tables,),) = cursor.fetchall()
        if not has_tables:
            return
        cursor.execute(
            "SELECT EXISTS (SELECT FROM conversations)"
            # the first administrator takes the local user's place
            " OR EXISTS (SELECT FROM users WHERE id <> %s OR password_hash IS NOT NULL)",
            (str(LOCAL_USER_ID),),
        )
        ((is_used,),) = cursor.fetchall()
        if is_used:
            raise Refused("this database holds conversations or users: use an empty one")
        # from the beginning, so that an older backup's tables can be made
        cursor.execute("SELECT version_num FROM alembic_version")
        (revision,) = cursor.fetchone() or (None,)
    if revision is not None:
        _downgrade(config)


def _downgrade(config: BaseConfig) -> None:
    from flask_migrate import downgrade

    with create_app(config).app_context():
        downgrade(revision="base")


def _upgrade(config: BaseConfig, revision: str) -> None:
    with create_app(config).app_context():
        upgrade(revision=revision)


def _read(connection: Connection, archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """All rows of all tables, or none."""
    with connection.cursor() as cursor:
        for table in manifest.tables:  # what the migrations have put there
            cursor.execute(SQL("TRUNCATE {} CASCADE").format(Identifier(table.name)))
        for table in manifest.tables:
            with archive.open(table.file) as member:
                cursor.copy_expert(table.copy("FROM STDIN"), member)
            if cursor.rowcount != table.rows:
                raise Refused(f"{table.name} has {cursor.rowcount} rows, not {table.rows}")
