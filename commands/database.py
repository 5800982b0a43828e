"""A command's connection to PostgreSQL: reachable, or one line that says why not."""

from collections.abc import Iterator
from contextlib import contextmanager

from common.config import BaseConfig
from common.db import Database, reason_unreachable
from common.errors import ConfigurationError


def check_database(config: BaseConfig) -> None:
    """Raises ConfigurationError, one line, when PostgreSQL can't be reached."""
    reason = reason_unreachable(config.DATABASE_URL)
    if reason is not None:
        raise ConfigurationError(
            f"PostgreSQL can't be reached ({reason}): start ./epicode up, or set DATABASE_URL"
        )


@contextmanager
def connected(config: BaseConfig, *, patient: bool = False) -> Iterator[Database]:
    """The database, closed at the end. `patient`: a statement may take as long as it takes."""
    check_database(config)
    if patient:
        database = Database(config.DATABASE_URL, pool_size=1, answer_seconds=None)
    else:
        database = Database(config.DATABASE_URL, pool_size=2)
    try:
        yield database
    finally:
        database.close()
