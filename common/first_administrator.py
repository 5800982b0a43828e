"""The first administrator's link: printed when the web starts and nobody can sign in as one.

Whoever reads what the start prints runs the machine. The link works once and for an hour, its token
is kept as a hash, and each start makes a new one.
"""

from sqlalchemy.exc import SQLAlchemyError

from common import accounts, invitations
from common.config import BaseConfig, is_loopback
from common.db import Database


def link(config: BaseConfig) -> str | None:
    """A new link, or None: it needs none. Raises SQLAlchemyError where there are no tables yet."""
    if config.EPICODE_AUTH != "accounts":
        return None
    database = Database(config.DATABASE_URL, pool_size=1, wait_seconds=1)
    try:
        with database.transaction() as session:
            if accounts.has_administrator(session):
                return None
            token = invitations.invite_first_administrator(session)
    finally:
        database.close()
    return f"{_address(config)}/join/{token}"


def sentence_at_start(config: BaseConfig) -> str | None:
    """What a start says of it; None: nothing, or the database can't be asked now."""
    try:
        found = link(config)
    except SQLAlchemyError:
        return None
    return found and (
        f"EpiCode: nobody administers yet. Become it within an hour: {found}\n"
        "EpiCode: (or: python manage.py create-admin EMAIL)"
    )


def _address(config: BaseConfig) -> str:
    """Where people open the page, as far as the settings tell."""
    names = [name for name in config.trusted_hosts if not name.startswith(".")]
    if names and not is_loopback(names[0]):
        return f"https://{names[0]}"
    return f"http://127.0.0.1:{config.EPICODE_PORT}"
