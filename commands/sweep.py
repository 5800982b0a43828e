"""One pass of the sweep by hand, as every worker does it every few seconds: it rescues what lost
its worker, ends what is overdue, and rings for who may start. Any number of copies is safe."""

import argparse
import sys

from sqlalchemy.exc import SQLAlchemyError

from commands.database import connected
from common import ringing
from common.census import census
from common.config import BaseConfig
from common.db import Database
from common.live_log import LiveLog
from common.queue import Doorbells
from worker.sweep import Sweep


def add_options(parser: argparse.ArgumentParser) -> None:
    """None: the settings say what is overdue."""


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    live_log, doorbells = LiveLog.connect(config.REDIS_URL), Doorbells(config.REDIS_URL)
    with connected(config) as database:
        rung: list[ringing.Doorbell] = []
        try:
            Sweep(
                database, live_log, lambda: rung.extend(ring(config, database, doorbells)), config
            ).sweep()
            with database.transaction() as session:
                now = census(session)
        except SQLAlchemyError as error:
            print(f"EpiCode: the sweep failed ({type(error).__name__})", file=sys.stderr)
            return 1
        finally:
            live_log.close()
    print(
        f"rung: {len(rung)} · queued: {now.queued} · running: {now.in_progress} · "
        f"workers online: {now.workers}"
    )
    return 0


def ring(config: BaseConfig, database: Database, doorbells: Doorbells) -> list[ringing.Doorbell]:
    """Rings for who may start; those whose doorbell was sent."""
    from datetime import timedelta

    with database.transaction() as session:
        picked = ringing.pick(session, timedelta(seconds=config.EPICODE_RING_SECONDS))
    unsent = doorbells.ring(picked)
    if unsent:
        with database.transaction() as session:
            ringing.unmark(session, unsent)
    return [doorbell for doorbell in picked if doorbell.job_id not in unsent]
