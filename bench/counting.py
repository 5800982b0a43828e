"""Counting what processes ask of Valkey and of PostgreSQL, by what the servers themselves say."""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import redis
from sqlalchemy import text

from common.db import Database

T = TypeVar("T")

# a process of PostgreSQL's that has nothing to do hands in its counters after ten seconds
STATISTICS_SECONDS = 10.5


def redis_commands(url: str, pids: Iterable[int], act: Callable[[], T]) -> tuple[int, T]:
    """How many commands these processes send while `act` runs, and what it returns.

    A script counts once, whatever it does inside; a pipeline counts each of its commands. Counted
    in MONITOR's stream, which slows the server down: nothing can be timed meanwhile.
    """
    mark = uuid.uuid4().hex
    with redis.Redis.from_url(url) as client, client.monitor() as monitor:
        client.echo(f"from {mark}")
        done = act()
        client.echo(f"to {mark}")
        while f"from {mark}" not in monitor.next_command()["command"]:
            pass
        ports: Counter[str] = Counter()
        while f"to {mark}" not in (seen := monitor.next_command())["command"]:
            ports[seen["client_port"]] += 1
    ours = _local_ports(pids)
    return sum(count for port, count in ports.items() if port.isdigit() and int(port) in ours), done


def transactions(database: Database) -> int:
    """How many transactions the database has seen; each statement of ours is in one.

    Waits for STATISTICS_SECONDS first, so that all have been handed in.
    """
    time.sleep(STATISTICS_SECONDS)
    query = """
        SELECT xact_commit + xact_rollback FROM pg_stat_database
        WHERE datname = current_database()
    """
    with database.transaction() as session:
        return int(session.execute(text(query)).scalar_one())


def _local_ports(pids: Iterable[int]) -> set[int]:
    """The ports on this side of the TCP connections of these processes (proc(5), net/tcp)."""
    inodes = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                inodes.add(os.readlink(entry).removeprefix("socket:[").removesuffix("]"))
    ports = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[9] in inodes:
            ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports
