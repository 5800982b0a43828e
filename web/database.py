"""Flask's session on the tables of common/. The door commits, once, visibly."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from common.db import Base, driver_url, engine_options

# A web process's share of PostgreSQL's hundred connections: for transactions, and for looks.
DATABASE_CONNECTIONS, LOOKING_CONNECTIONS = 4, 2
CONNECTION_WAIT_SECONDS = 2.5

# What was committed is presented as it is, without reading it again.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def register_database(app: Flask, url: str) -> Engine:
    """Sets up the session and the looks, and returns what these connect by. Nothing does yet."""
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(
        DATABASE_CONNECTIONS, wait_seconds=CONNECTION_WAIT_SECONDS
    )
    db.init_app(app)
    for_looks = create_engine(
        driver_url(url),
        isolation_level="AUTOCOMMIT",
        **engine_options(LOOKING_CONNECTIONS, wait_seconds=CONNECTION_WAIT_SECONDS),
    )
    app.extensions["epicode_looks"] = for_looks
    with app.app_context():
        _are_lost_together(db.engine, for_looks)
        _are_lost_together(for_looks, db.engine)
    return for_looks


def _are_lost_together(one: Engine, other: Engine) -> None:
    """A server that closed a connection of one has closed the other's: nobody shall find out by a
    request that fails."""

    def forget(context: ExceptionContext) -> None:
        if context.is_disconnect:
            other.dispose()

    event.listen(one, "handle_error", forget)


def looks() -> Engine:
    return cast(Engine, current_app.extensions["epicode_looks"])


@contextmanager
def writing() -> Iterator[Connection]:
    """A transaction without a session, for the rules whose statements are written out: committed
    when the block ends, rolled back when it raises."""
    with db.engine.begin() as connection:
        yield connection


@contextmanager
def looking() -> Iterator[Connection]:
    """For a look at what is committed: each statement stands alone, with no transaction around it
    that would have to be begun and ended. The connections are not the session's: whoever
    held one of those and wanted another would wait for others who do the same."""
    with looks().connect() as connection:
        yield connection


def close_all() -> None:
    """Closes the application's connections."""
    db.engine.dispose()
    looks().dispose()
