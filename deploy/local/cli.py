"""The command line: which words there are, and the one place where an error becomes a sentence."""

import argparse
import signal
import sys
from pathlib import Path

from deploy.local.errors import OperatorError
from deploy.local.messages import text


def main(arguments: list[str]) -> int:
    """Run one command; its exit code. 1 after a sentence, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        # a terminal without our characters shows others instead of ending us
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    # until the stack has handlers of its own, SIGTERM is a Ctrl-C: what we wait for must end too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        print("\n" + text("interrupted"), file=sys.stderr)
        return 130
    except (OperatorError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(arguments: list[str]) -> int:
    # their words are pytest's, uv's or a command's: argparse would take some for its own
    if arguments[:1] == ["test"] and not _asks_for_help(arguments):
        from deploy.local.all_tests import test

        return test(arguments[1:])
    if arguments[:1] == ["lock"] and not _asks_for_help(arguments):
        from deploy.local.lock_command import lock

        return lock(arguments[1:])
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "run":
        from deploy.local.run_command import run

        words = options.words
        return run(words[1:] if words[:1] == ["--"] else words, options.data)
    if options.command == "up":
        from deploy.local.up import Options, up

        return up(Options(options.host, options.port, options.data, options.workers, options.demo))
    parser.print_help()
    return 0


def _asks_for_help(arguments: list[str]) -> bool:
    return arguments[1:2] in (["-h"], ["--help"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./epicode", description=text("help"))
    commands = parser.add_subparsers(dest="command", metavar="")
    up = _command(commands, "up")
    up.add_argument("--host", help=text("help.host"))
    up.add_argument("--port", type=_port, help=text("help.port"))
    up.add_argument("--data", type=Path, metavar="DIR", help=text("help.data"))
    up.add_argument("--workers", type=_workers, default=1, metavar="N", help=text("help.workers"))
    up.add_argument("--demo", action="store_true", help=text("help.demo"))
    run = _command(commands, "run")
    run.add_argument("--data", type=Path, metavar="DIR", help=text("help.data"))
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="-- CMD", help=text("help.words"))
    _command(commands, "test").add_argument("arguments", nargs="*", help=text("help.pytest"))
    _command(commands, "lock").add_argument("arguments", nargs="*", help=text("help.uv"))
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str
) -> argparse.ArgumentParser:
    said = text(f"help.{name}")
    return commands.add_parser(name, help=said.partition(".")[0], description=said)


def _port(value: str) -> int:
    if not (value.isdigit() and 0 < int(value) < 65536):
        raise OperatorError("port.invalid", value=value)
    return int(value)


def _workers(value: str) -> int:
    if not (value.isdigit() and 0 < int(value) <= 64):
        raise OperatorError("workers.invalid")
    return int(value)
