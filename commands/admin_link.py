"""Prints a link that makes the first administrator. Earlier links end."""

import argparse

from commands.database import check_database
from common import first_administrator
from common.config import BaseConfig
from common.errors import ConfigurationError


def add_options(_parser: argparse.ArgumentParser) -> None:
    pass


def run(config: BaseConfig, _options: argparse.Namespace) -> int:
    check_database(config)
    link = first_administrator.link(config)
    if link is None:
        raise ConfigurationError("somebody administers already, or EPICODE_AUTH isn't accounts")
    print(link)
    return 0
