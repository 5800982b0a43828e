"""Writes all that is stored into one file, as it is in one moment, while everything runs.

Redis needs no backup: the jobs' rows are the queue. `.env` isn't in it: keep SECRET_KEY yourself.
"""

import argparse
import json
import os
import sys
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from commands.copying import MANIFEST, Manifest, Table, copying, tables_of
from commands.database import check_database
from common.config import BaseConfig


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="where to; - is the standard output")


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    check_database(config)
    if str(options.file) == "-":
        written = write(config, sys.stdout.buffer)
    else:
        # whole under its name, or not at all; and readable for its owner alone
        part = options.file.with_name(options.file.name + ".part")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:
                written = write(config, file)
                os.fsync(descriptor)
            part.replace(options.file)
        except OSError as error:
            print(f"EpiCode: no backup ({error})", file=sys.stderr)
            return 1
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    rows = sum(table.rows for table in written.tables)
    print(f"{rows} rows of {len(written.tables)} tables", file=sys.stderr)
    return 0


def write(config: BaseConfig, file: IO[bytes]) -> Manifest:
    """Writes a backup; what is in it."""
    written: list[Table] = []
    with (
        copying(config) as connection,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        # every table as it is in the same moment
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT version_num FROM alembic_version")
            ((revision,),) = cursor.fetchall()
            for table in tables_of(connection):
                with archive.open(table.file, "w", force_zip64=True) as member:
                    cursor.copy_expert(table.copy("TO STDOUT"), member)
                written.append(replace(table, rows=cursor.rowcount))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        manifest = Manifest(revision, now, written)
        archive.writestr(MANIFEST, json.dumps(manifest.as_json(), indent=1))
    return manifest
