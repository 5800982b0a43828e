"""Flask's session on the tables of common/. The door commits, once, visibly."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask_sqlalchemy import SQLAlchemy

from common.db import Base, Reader

# What was committed is presented as it is, without reading it again.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


@contextmanager
def looking() -> Iterator[Reader]:
    """For a look: each statement stands alone, with no transaction around it that would have to be
    begun and rolled back. A request that is in the midst of one looks from there: whoever held two
    connections would wait for others who hold one and want two."""
    if db.session.registry.has() and db.session().in_transaction():
        yield db.session()
        return
    with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        yield connection
