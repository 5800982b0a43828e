"""What Redis says of itself: how full it is, what it does when it is full, what lies in its lists.

One round trip, for whoever watches; nothing of the product depends on it.
"""

from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.ringing import BACKGROUND, INTERACTIVE

QUEUES = (INTERACTIVE, BACKGROUND)
TIMEOUT_SECONDS = 1


@dataclass(frozen=True)
class RedisState:
    """Bytes; `most_bytes` 0: no limit is set. `doorbells` are those that no worker has taken."""

    version: str
    used_bytes: int
    most_bytes: int
    policy: str
    doorbells: dict[str, int]


def redis_state(url: str) -> RedisState:
    """Asks the server at `url`. Raises RedisError."""
    client = redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    with client, client.pipeline(transaction=False) as pipeline:
        pipeline.info("memory")
        pipeline.info("server")
        for queue in QUEUES:
            pipeline.llen(queue)
        memory, server, *lengths = cast(list[Any], pipeline.execute())
    return RedisState(
        version=str(server.get("valkey_version") or server["redis_version"]),
        used_bytes=int(memory["used_memory"]),
        most_bytes=int(memory.get("maxmemory", 0)),
        policy=str(memory.get("maxmemory_policy", "")),
        doorbells=dict(zip(QUEUES, lengths, strict=True)),
    )
