"""Flask's session on the tables of common/. The door commits, once, visibly."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection

from common.db import Base

# What was committed is presented as it is, without reading it again.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


@contextmanager
def looking() -> Iterator[Connection]:
    """A connection for a look: each statement stands alone, with no transaction around it that
    would have to be begun and rolled back."""
    with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection
