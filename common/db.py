"""The one database: declarative base, engine, transactions.

PostgreSQL only. The worker writes `with database.transaction() as session:` so that the
indentation shows how long a connection is held; the web gets its session from Flask-SQLAlchemy.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import uuid_utils.compat
from sqlalchemy import Connection, DateTime, MetaData, Uuid, create_engine
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, registry, sessionmaker

from common.patience import CONNECT_SECONDS
from common.trips import connecting

# A statement that takes longer waits for a lock that will not come: every one of ours is short.
STATEMENT_TIMEOUT_MS = 8_000
# A process that froze in mid-transaction holds rows that others wait for: PostgreSQL ends it.
IDLE_TRANSACTION_TIMEOUT_MS = 10_000
# Then the server would have said so, and is out of reach.
ANSWER_SECONDS = 10.0

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Parent of every table. Ids are UUIDv7, times are `timestamptz`."""

    # A registry and not loose attributes: Flask-SQLAlchemy copies what it finds on this class.
    registry = registry(
        metadata=MetaData(naming_convention=CONSTRAINT_NAMES),
        type_annotation_map={uuid.UUID: Uuid(as_uuid=True), datetime: DateTime(timezone=True)},
    )


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562): ids made later sort later, so indexes grow at one end."""
    return uuid_utils.compat.uuid7()


def driver_url(url: str) -> str:
    """The URL with psycopg2 named: SQLAlchemy 2.1 would take another driver for `postgresql://`."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    return parsed.render_as_string(hide_password=False)


def engine_options(
    pool_size: int, *, wait_seconds: float, answer_seconds: float | None = ANSWER_SECONDS
) -> dict[str, object]:
    """Arguments for `create_engine`: a fixed pool that notices a database that went away.

    `wait_seconds` is how long a thread waits for a free connection, `answer_seconds` how long for
    an answer; None: as long as it takes, for an operator's command.
    """
    limit = STATEMENT_TIMEOUT_MS if answer_seconds is not None else 0
    return {
        "pool_size": pool_size,
        "pool_use_lifo": True,  # the one that was used last has its plans and pages at hand
        "max_overflow": 0,
        "pool_timeout": wait_seconds,
        "pool_recycle": 1800,
        "connect_args": {
            "connection_factory": connecting(answer_seconds),
            "connect_timeout": int(CONNECT_SECONDS),
            # Each statement of ours has its index; a plan that is kept must not be one of the time
            # when the table was small. It is kept from the first run on, not from the sixth.
            "options": f"-c statement_timeout={limit} -c timezone=UTC -c enable_seqscan=off"
            " -c plan_cache_mode=force_generic_plan"
            f" -c idle_in_transaction_session_timeout={IDLE_TRANSACTION_TIMEOUT_MS}",
            "application_name": "epicode",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    }


# What a rule works in: a session or, on the hot paths, a bare connection, which knows no ORM and
# costs half as much.
Transaction = Session | Connection
# Whoever only looks needs no transaction.
Reader = Transaction


class Database:
    """An engine with its transactions, for processes that have no Flask."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int,
        wait_seconds: float = 30,
        answer_seconds: float | None = ANSWER_SECONDS,
    ) -> None:
        options = engine_options(
            pool_size, wait_seconds=wait_seconds, answer_seconds=answer_seconds
        )
        self.engine: Engine = create_engine(driver_url(url), **options)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed when the block ends, rolled back when it raises."""
        with self._sessions.begin() as session:
            yield session

    @contextmanager
    def bare_transaction(self) -> Iterator[Connection]:
        """The same without a session, for rules whose statements are written out."""
        with self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def reason_unreachable(url: str) -> str | None:
    """Why nobody answers at `url`, in one line without the password; None: it answers."""
    engine = create_engine(driver_url(url), **engine_options(1, wait_seconds=1))
    try:
        with engine.connect():
            return None
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
        return cause.splitlines()[0]
    finally:
        engine.dispose()
