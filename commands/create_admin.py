"""Makes an administrator's account; of somebody who has one, an administrator with that password.

The password is asked for on a terminal, and read from the first line of standard input elsewhere:
never from the command line, which everybody on the machine can read.
"""

import argparse
import getpass
import sys
from contextlib import suppress

from redis.exceptions import RedisError

from commands.database import connected
from common import accounts, passwords
from common.config import BaseConfig
from common.errors import ConfigurationError, EpiCodeError
from common.live_log import LiveLog


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("email")
    parser.add_argument("--name", default="", help="the name to show; else the address")


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    email = accounts.normalised(options.email)
    password = _password()
    try:
        accounts.check_address(email)
        accounts.check_password(password, email, field="password")
    except EpiCodeError:
        raise ConfigurationError(
            f"{email} must be an e-mail address, and the password another word"
        ) from None
    with connected(config) as database, database.transaction() as session:
        known = accounts.known(session, email)
        password_hash = passwords.hashed(password)
        if known is None:
            is_first = not accounts.has_administrator(session)
            accounts.make(
                session,
                email=email,
                password_hash=password_hash,
                display_name=options.name,
                role="admin",
                is_first=is_first,
            )
        else:
            accounts.change(session, known.id, role="admin", disabled=False)
            accounts.set_password(session, known.id, password_hash)
    if known is not None:
        with suppress(RedisError):  # without Redis no poll is answered from memory
            LiveLog.connect(config.REDIS_URL).look_again(known.id)
    print(f"{email} administers now")
    return 0


def _password() -> str:
    """Raises ConfigurationError for one that is too short or not said twice alike."""
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise ConfigurationError("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        raise ConfigurationError(
            f"a password has {passwords.SHORTEST} to {passwords.LONGEST} characters"
        )
    return password
