#!/usr/bin/env python3
"""The operator's commands. Without one: the development server, or gunicorn in production."""

import argparse
import importlib
import sys

from common.config import load_config
from common.errors import ConfigurationError
from common.log import set_up_logs

# Name → what it does; each is a module of commands/, imported only when it is meant.
COMMANDS = {
    "serve": "serve the page and the API (the default)",
    "migrate": "bring the database's tables up to date",
    "create-user": "make a user and print an API key",
    "create-admin": "make an administrator's account, or somebody's account an administrator's",
    "admin-link": "print a link that makes the first administrator, for one hour",
    "check": "ask settings, database, Redis, workers and model server whether they are well",
    "jobs": "list, cancel or requeue jobs",
    "sweep": "rescue, end and ring by hand, as every worker does every few seconds",
    "audit": "look for rows that break a promise; exit code 1 if any does",
    "backup": "write all that is stored into one file, while everything runs",
    "restore": "read such a file into an empty database",
    "demo-data": "make conversations to look at",
}


def main(arguments: list[str]) -> int:
    """Runs one command and returns its exit code; an operator's error is one line."""
    parser = argparse.ArgumentParser(prog="manage.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    chosen = arguments[0] if arguments and arguments[0] in COMMANDS else "serve"
    module = None
    try:
        for name, what in COMMANDS.items():
            command = commands.add_parser(name, help=what, description=what)
            if name == chosen:
                module = importlib.import_module(f"commands.{name.replace('-', '_')}")
                module.add_options(command)
        options = parser.parse_args(arguments)
        assert module is not None
        config = load_config()
        set_up_logs(config)
        code: int = module.run(config, options)
        return code
    except ConfigurationError as error:
        print(f"EpiCode: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
