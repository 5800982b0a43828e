"""Whether the tables are those of this version, asked without loading the application.

Migrating takes longer than everything else that a second start does, nearly always to find that
there is nothing to do.
"""

import ast
import subprocess
from pathlib import Path

from deploy.local.paths import ROOT
from deploy.local.postgres import Postgres

# psql's own words: asking for a table that isn't there would leave an ERROR in the server's log
REVISION = r"""
SELECT to_regclass('alembic_version') IS NOT NULL AS is_there \gset
\if :is_there
SELECT version_num FROM alembic_version;
\endif
"""


def tables_are_current(server: Postgres, folder: Path = ROOT / "migrations" / "versions") -> bool:
    """True only if the database names the one newest revision; in any doubt False."""
    newest = newest_revisions(folder)
    try:
        said = server.run_sql(REVISION)
    except subprocess.CalledProcessError:
        return False
    return len(newest) == 1 and said.split() == list(newest)


def newest_revisions(folder: Path) -> set[str]:
    """The revisions that no other one follows, as Alembic reads them from its files."""
    all_of_them: set[str] = set()
    followed: set[str] = set()
    for file in folder.glob("*.py"):
        all_of_them |= _assigned(file, "revision")
        followed |= _assigned(file, "down_revision")
    return all_of_them - followed


def _assigned(file: Path, name: str) -> set[str]:
    """The texts that a module gives to `name`: one, several in a tuple, or None."""
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name) and target.id == name:
            given = ast.literal_eval(value) or ()
            return {given} if isinstance(given, str) else set(given)
    return set()
