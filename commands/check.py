"""Asks every part that EpiCode leans on, and says of each whether it is well: settings, database,
tables, Redis, workers, model server. Exit code 1 if one isn't. Changes nothing."""

import argparse
import asyncio
from collections.abc import Callable, Iterator

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from commands.revision import current_revision, latest_revision
from common.census import census
from common.config import BaseConfig
from common.db import Database, reason_unreachable
from common.redis_state import redis_state
from worker.upstream import Upstream, UpstreamError

# A store as full as this will be full soon.
NEARLY_FULL = 0.85
MODELS_SHOWN = 5


class Unwell(Exception):
    """A part that isn't as it should be; the message says what to do."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """None: everything is asked."""


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    parts: dict[str, Callable[[BaseConfig], Iterator[str]]] = {
        "settings": _settings,
        "database": _database,
        "redis": _redis,
        "model server": _upstream,
    }
    is_well = True
    for name, ask in parts.items():
        try:
            for said in ask(config):
                print(f"ok       {name}: {said}")
        except Unwell as complaint:
            is_well = False
            print(f"problem  {name}: {complaint}")
    return 0 if is_well else 1


def _settings(config: BaseConfig) -> Iterator[str]:
    """They were read: what is wrong in them would have stopped us."""
    yield f"{config.FLASK_ENV}, {config.EPICODE_AUTH} mode, page at port {config.EPICODE_PORT}"


def _database(config: BaseConfig) -> Iterator[str]:
    reason = reason_unreachable(config.DATABASE_URL)
    if reason is not None:
        raise Unwell(f"PostgreSQL can't be reached ({reason})")
    database = Database(config.DATABASE_URL, pool_size=1)
    try:
        with database.engine.connect() as connection:
            (version,) = connection.exec_driver_sql("SHOW server_version").one()
            current = current_revision(connection)
        yield f"PostgreSQL {version}"
        if current != latest_revision():
            raise Unwell(
                f"the tables are those of {current}, this version's of {latest_revision()}: "
                "python manage.py migrate"
            )
        yield f"the tables are this version's ({current})"
        with database.transaction() as session:
            now = census(session)
    except SQLAlchemyError as error:
        raise Unwell(f"{type(error).__name__}: see PostgreSQL's log") from None
    finally:
        database.close()
    if not now.workers:
        raise Unwell("no worker is online: start one with celery -A worker.app worker")
    yield f"{now.workers} workers online, {now.busy} of {now.slots} slots taken"
    if now.lapsed:
        raise Unwell(f"{now.lapsed} running jobs have lost their lease: see the workers' logs")
    yield f"{now.queued} jobs wait, {now.in_progress} run"


def _redis(config: BaseConfig) -> Iterator[str]:
    try:
        state = redis_state(config.REDIS_URL)
    except RedisError as error:
        raise Unwell(f"it doesn't answer ({type(error).__name__}): is REDIS_URL right?") from None
    yield f"{state.version}, {state.used_bytes / 2**20:.0f} MiB used"
    if state.most_bytes and state.policy != "noeviction":
        raise Unwell(
            f"maxmemory-policy is {state.policy}: set noeviction, or it drops what others wait for"
        )
    if state.most_bytes and state.used_bytes > NEARLY_FULL * state.most_bytes:
        raise Unwell(f"nearly full: {state.most_bytes / 2**20:.0f} MiB are its limit")


def _upstream(config: BaseConfig) -> Iterator[str]:
    async def ask() -> list[str]:
        upstream = Upstream(
            config.OPENAI_BASE_URL,
            config.OPENAI_API_KEY,
            connect_seconds=config.EPICODE_CONNECT_SECONDS,
        )
        try:
            return sorted(await upstream.list_models())
        finally:
            await upstream.close()

    try:
        models = asyncio.run(ask())
    except UpstreamError as error:
        raise Unwell(
            f"{config.OPENAI_BASE_URL} gives no list of models ({error.code}): "
            "are OPENAI_BASE_URL and OPENAI_API_KEY right?"
        ) from None
    shown = ", ".join(models[:MODELS_SHOWN]) + (", …" if len(models) > MODELS_SHOWN else "")
    yield f"{config.OPENAI_BASE_URL} offers {len(models)} models: {shown}"
