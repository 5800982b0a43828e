"""Calling an operator's command in this process, its words read as on the command line."""

import argparse
import importlib

from common.config import BaseConfig


def call(config: BaseConfig, name: str, *words: str) -> int:
    """The exit code of `manage.py NAME WORDS`."""
    command = importlib.import_module(f"commands.{name.replace('-', '_')}")
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    code: int = command.run(config, parser.parse_args(words))
    return code
