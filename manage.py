#!/usr/bin/env python3
"""The operator's commands. Without one: the development server, or gunicorn in production."""

import argparse
import os
import sys

from common.config import BaseConfig, load_config
from common.errors import ConfigurationError


def main(arguments: list[str]) -> int:
    """Runs one command and returns its exit code; an operator's error is one line."""
    parser = argparse.ArgumentParser(prog="manage.py", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve the page and the API (the default)")
    commands.add_parser("migrate", help="bring the database's tables up to date")
    create_user = commands.add_parser("create-user", help="make a user and print an API key")
    create_user.add_argument("name")
    commands.add_parser("audit", help="look for rows that break a promise; exit code 1 if any does")
    chosen = parser.parse_args(arguments)
    try:
        config = load_config()
        if chosen.command == "migrate":
            return migrate(config)
        if chosen.command == "create-user":
            return make_user(config, chosen.name)
        if chosen.command == "audit":
            return audit_database(config)
        return serve(config)
    except ConfigurationError as error:
        print(f"EpiCode: {error}", file=sys.stderr)
        return 1


def serve(config: BaseConfig) -> int:
    """The development server; with FLASK_ENV=production gunicorn takes this process's place."""
    check_database(config)
    if config.FLASK_ENV == "production":
        os.execvp("gunicorn", ["gunicorn", "-c", "gunicorn_conf.py", "wsgi:app"])
    from web.create_app import create_app

    app = create_app(config)
    app.run(config.EPICODE_HOST, config.EPICODE_PORT, debug=config.DEBUG, threaded=True)
    return 0


def migrate(config: BaseConfig) -> int:
    """`flask db upgrade`, refusing data that a newer version has written."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from flask_migrate import upgrade

    from common.config import ROOT
    from web.create_app import create_app
    from web.database import db

    check_database(config)
    app = create_app(config)
    with app.app_context():
        with db.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        known = {
            script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()
        }
        if current is not None and current not in known:
            print(
                f"EpiCode: the data are of a newer version ({current}): update EpiCode, "
                "or use another data folder with --data",
                file=sys.stderr,
            )
            return 1
        upgrade()
    return 0


def make_user(config: BaseConfig, name: str) -> int:
    """Makes the user, if there is none of that name, and prints a new API key, once."""
    from common.access import create_api_key, create_user
    from common.db import Database

    check_database(config)
    database = Database(config.DATABASE_URL, pool_size=1)
    with database.transaction() as session:
        key = create_api_key(session, create_user(session, name), name)
    database.close()
    print(key)
    return 0


def audit_database(config: BaseConfig) -> int:
    """Prints every row that breaks a promise of common/audit.py. Changes nothing."""
    from sqlalchemy import text

    from common.audit import PROMISES, Limits, audit
    from common.db import Database

    check_database(config)
    database = Database(config.DATABASE_URL, pool_size=1, answer_seconds=None)
    with database.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        jobs = session.scalar(text("SELECT count(*) FROM jobs"))
        findings = audit(session, Limits.of(config))
    database.close()
    for finding in findings:
        print(f"{finding.promise}: {finding.id}")
    if not findings:
        print(f"{len(PROMISES)} promises hold for {jobs} jobs")
    return 1 if findings else 0


def check_database(config: BaseConfig) -> None:
    """Raises ConfigurationError, one line, when PostgreSQL can't be reached."""
    from common.db import reason_unreachable

    reason = reason_unreachable(config.DATABASE_URL)
    if reason is not None:
        raise ConfigurationError(
            f"PostgreSQL can't be reached ({reason}): start ./epicode up, or set DATABASE_URL"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
