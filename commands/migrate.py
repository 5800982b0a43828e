"""`flask db upgrade`, refusing data that a newer version has written."""

import argparse
import sys

from flask_migrate import upgrade

from commands.database import check_database
from commands.revision import current_revision, known_revisions
from common.config import BaseConfig
from web.create_app import create_app
from web.database import db


def add_options(parser: argparse.ArgumentParser) -> None:
    """None: the tables are always brought to this version's."""


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    check_database(config)
    app = create_app(config)
    with app.app_context():
        with db.engine.connect() as connection:
            current = current_revision(connection)
        if current is not None and current not in known_revisions():
            print(
                f"EpiCode: the data are of a newer version ({current}): update EpiCode, "
                "or use another data folder with --data",
                file=sys.stderr,
            )
            return 1
        upgrade()
    return 0
