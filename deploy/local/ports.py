"""Free ports on this machine. What is free now may be taken in a moment: callers try again."""

import socket
from collections.abc import Iterable


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there, just closed connections notwithstanding."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except (OSError, OverflowError):
            return False
    return True


def free_port(wanted: Iterable[int] = ()) -> int:
    """The first of `wanted` that is free on the loopback, else any."""
    for port in wanted:
        if 0 < port < 65536 and is_free("127.0.0.1", port):
            return port
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port = tried.getsockname()[1]
    assert isinstance(port, int)
    return port
