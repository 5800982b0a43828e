"""Celery's way to Redis, less what it would make anew for each message.

kombu's channel builds a Redis client for every command that it sends; building one costs more
than sending the command. The connections are the pool's either way, so one client will do.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis


class Channel(kombu_redis.Channel):
    """A channel that keeps the client with which it sends."""

    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # each holds a connection of its own, from which it is being read
            return super()._create_client(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()
        return self._kept


class Transport(kombu_redis.Transport):
    """kombu's transport over those channels."""

    Channel = Channel


def register() -> None:
    """`redis://` and `rediss://` are this transport from now on."""
    TRANSPORT_ALIASES.update(redis="common.broker:Transport", rediss="common.broker:Transport")
