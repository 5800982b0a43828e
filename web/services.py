"""What a web process holds beside its database: one of each, made with the application."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from flask import current_app

from common.acceptance import WaitingCaps
from common.catalogue import Catalogue
from common.config import BaseConfig
from common.live_log import LiveLog
from common.queue import Doorbells
from web.pacing import Watchers
from web.waiting_line import WaitingLine

# At most half of a process's threads may wait on long polls (gunicorn_conf.py sets eight).
WAITERS = 4


@dataclass(frozen=True)
class Services:
    config: BaseConfig
    catalogue: Catalogue
    live_log: LiveLog
    doorbells: Doorbells
    watchers: Watchers
    line: WaitingLine
    waiters: threading.BoundedSemaphore

    @classmethod
    def of(cls, config: BaseConfig) -> "Services":
        """Connects to nothing yet: gunicorn loads the application before it forks."""
        return cls(
            config=config,
            catalogue=Catalogue(config.EPICODE_MODELS, config.EPICODE_DEFAULT_MODEL),
            live_log=LiveLog.connect(config.REDIS_URL),
            doorbells=Doorbells(config.REDIS_URL),
            watchers=Watchers(),
            line=WaitingLine(timedelta(seconds=config.EPICODE_RING_SECONDS)),
            waiters=threading.BoundedSemaphore(WAITERS),
        )

    @property
    def caps(self) -> WaitingCaps:
        return WaitingCaps(
            self.config.EPICODE_MAX_WAITING_PER_USER, self.config.EPICODE_MAX_WAITING
        )

    @property
    def ring_timeout(self) -> timedelta:
        return timedelta(seconds=self.config.EPICODE_RING_SECONDS)


def services() -> Services:
    return cast(Services, current_app.extensions["epicode"])
