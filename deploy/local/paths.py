"""Where the launcher finds things in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
ENV_FILE = ROOT / ".env"


def short(path: Path) -> str:
    """The path as a person would type it: with ~ for the home folder, relative to here if below."""
    for base, said in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_relative_to(base) and path != base:
            return said + str(path.relative_to(base))
    return str(path)
