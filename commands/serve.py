"""The development server; with FLASK_ENV=production gunicorn takes this process's place."""

import argparse
import os

from commands.database import check_database
from common.config import BaseConfig
from common.first_administrator import sentence_at_start


def add_options(parser: argparse.ArgumentParser) -> None:
    """None: the settings say it all."""


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    check_database(config)
    if config.FLASK_ENV == "production":
        os.execvp("gunicorn", ["gunicorn", "-c", "gunicorn_conf.py", "wsgi:app"])
    from web.create_app import create_app

    app = create_app(config)
    said = sentence_at_start(config)
    if said:
        print(said, flush=True)
    app.run(config.EPICODE_HOST, config.EPICODE_PORT, debug=config.DEBUG, threaded=True)
    return 0
