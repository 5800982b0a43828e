"""Files that only their owner may read: passwords and keys, each made once and then kept."""

import os
import secrets
from pathlib import Path


def write_private(path: Path, content: str) -> None:
    """Replace `path` in one step by a file of mode 0600; a reader sees the old one or the new."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
        file.flush()
        # a name that outlives a power cut must not point at an empty file
        os.fsync(file.fileno())
    os.replace(fresh, path)


def kept_secret(path: Path) -> str:
    """The secret in `path`; made (URL-safe, 256 bits) and kept there at the first call."""
    try:
        found = path.read_text().strip()
    except FileNotFoundError:
        found = ""
    if not found:
        found = secrets.token_urlsafe(32)
        write_private(path, found + "\n")
    return found
