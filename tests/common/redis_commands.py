"""Counting what is sent to Redis."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import redis


@contextmanager
def redis_commands(url: str, client_name: str | None = None) -> Iterator[list[str]]:
    """Every command that the database at `url` gets meanwhile, of one client or of all."""
    seen: list[str] = []
    number = int(urlsplit(url).path.strip("/"))
    with redis.Redis.from_url(url) as observer, redis.Redis.from_url(url) as asker:
        theirs = {client["addr"] for client in asker.client_list() if client["name"] == client_name}
        with observer.monitor() as monitor:
            yield seen
            end = f"end of {uuid.uuid4()}"
            asker.echo(end)
            for said in monitor.listen():
                if end in said["command"]:
                    return
                address = f"{said['client_address']}:{said['client_port']}"
                is_wanted = client_name is None or address in theirs
                # what a script does is no command of its client's
                if is_wanted and said["client_type"] == "tcp" and said["db"] == number:
                    seen.append(said["command"])
