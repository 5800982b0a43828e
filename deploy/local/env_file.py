"""`.env`: read as python-dotenv reads it in the application, written for its owner alone."""

import re
from collections.abc import Mapping
from pathlib import Path

from deploy.local.errors import OperatorError
from deploy.local.paths import short
from deploy.local.private_files import write_private

LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')\s*(?:#.*)?""")


def read_env_file(path: Path) -> dict[str, str]:
    """Its variables; none if there is no such file. A line that is no assignment is passed over."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise OperatorError("env.unreadable", file=short(path), reason=error) from error
    found = {}
    for line in lines:
        matched = LINE.fullmatch(line.rstrip())
        if matched:
            found[matched[1]] = _value(matched[2])
    return found


def add_to_env_file(path: Path, name: str, value: str) -> None:
    """Set one variable, the other lines as they were; the file is its owner's alone (0600)."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if (found := LINE.fullmatch(line)) is None or found[1] != name]
    write_private(path, "\n".join([*kept, f"{name}={value}"]) + "\n")


def settings_of(environ: Mapping[str, str], path: Path) -> dict[str, str]:
    """Environment and file together. The environment wins; an empty value counts as absent."""
    of_file = {name: value for name, value in read_env_file(path).items() if value}
    return of_file | {
        name: value for name, value in environ.items() if value or name not in of_file
    }


def _value(written: str) -> str:
    quoted = QUOTED.fullmatch(written)
    if quoted is None:
        return re.split(r"\s#", " " + written, maxsplit=1)[0].strip()
    if quoted[2] is not None:
        return re.sub(r"\\([\\'])", r"\1", quoted[2])
    escapes = {"n": "\n", "t": "\t", "r": "\r"}
    return re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), quoted[1])
