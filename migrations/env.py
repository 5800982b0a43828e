"""Alembic's environment, through Flask-Migrate: the tables of common.db.Base."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine

from common.db import Base, driver_url, engine_options, reason_unreachable


def leave_unchanged_alone(migration_context, revision, directives):  # type: ignore[no-untyped-def]
    """`flask db migrate` without a change writes no empty file."""
    if (
        getattr(context.config.cmd_opts, "autogenerate", False)
        and directives[0].upgrade_ops.is_empty()
    ):
        directives[:] = []
        print("No changes in schema detected.")


def run_migrations() -> None:
    reason = reason_unreachable(current_app.config["DATABASE_URL"])
    if reason is not None:
        raise SystemExit(1)  # wsgi.py has said it in one line
    # not the web's engine: an index over a large table takes longer than a request may
    url = driver_url(current_app.config["DATABASE_URL"])
    engine = create_engine(url, **engine_options(1, wait_seconds=1, answer_seconds=None))
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            process_revision_directives=leave_unchanged_alone,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            # Two processes that migrate at once take turns.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7205759403792793)")
            context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    raise SystemExit("EpiCode migrates a database, not a script: run flask db upgrade")
run_migrations()
