"""Which migration the tables have seen last, and which is this version's."""

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from common.config import ROOT


def current_revision(connection: Connection) -> str | None:
    """None: there are no tables yet."""
    return MigrationContext.configure(connection).get_current_revision()


def latest_revision() -> str:
    """This version's."""
    (head,) = ScriptDirectory(str(ROOT / "migrations")).get_heads()
    return head


def known_revisions() -> set[str]:
    """Those that this version can bring tables to."""
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    return {script.revision for script in scripts.walk_revisions()}
