"""Makes a user, if there is none of that name, and prints a new API key, once."""

import argparse

from commands.database import connected
from common.access import create_api_key, create_user
from common.config import BaseConfig


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    with connected(config) as database, database.transaction() as session:
        key = create_api_key(session, create_user(session, options.name), options.name)
    print(key)
    return 0
