"""What a web process holds beside its database: one of each, made with the application."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from flask import current_app, g
from sqlalchemy import Engine

from common.acceptance import WaitingCaps
from common.allowance import Allowance
from common.callers import LOCAL, Caller
from common.catalogue import Catalogue
from common.config import BaseConfig
from common.live_log import LiveLog
from common.queue import Doorbells
from web.pacing import Watchers
from web.remembered import RememberedCallers
from web.ringer import Ringer
from web.waiting_line import WaitingLine

# At most half of a process's threads may wait on long polls (gunicorn_conf.py sets eight).
WAITERS = 4


@dataclass(frozen=True)
class Services:
    config: BaseConfig
    catalogue: Catalogue
    live_log: LiveLog
    ringer: Ringer
    watchers: Watchers
    line: WaitingLine
    waiters: threading.BoundedSemaphore
    remembered: RememberedCallers

    @classmethod
    def of(cls, config: BaseConfig, looks: Engine) -> "Services":
        """Connects to nothing yet: gunicorn loads the application before it forks. `looks` are the
        connections for what needs no transaction."""
        ring_timeout = timedelta(seconds=config.EPICODE_RING_SECONDS)
        return cls(
            config=config,
            catalogue=Catalogue(config.EPICODE_MODELS, config.EPICODE_DEFAULT_MODEL),
            live_log=LiveLog.connect(config.REDIS_URL),
            ringer=Ringer(looks, Doorbells(config.REDIS_URL), ring_timeout),
            watchers=Watchers(),
            line=WaitingLine(looks),
            waiters=threading.BoundedSemaphore(WAITERS),
            remembered=RememberedCallers(),
        )

    @property
    def installation_caps(self) -> WaitingCaps:
        """What holds for everybody."""
        return WaitingCaps(
            self.config.EPICODE_MAX_WAITING_PER_USER, self.config.EPICODE_MAX_WAITING
        )

    @property
    def caps(self) -> WaitingCaps:
        """Those of whoever is asking: the installation's limits, his own over them, his key's."""
        caller: Caller = g.caller
        if caller is LOCAL:  # his own machine, his own money
            return self.installation_caps
        limits = self.limits_of(caller.limits)
        counted = Allowance(limits, caller.key_limits, caller.key_id)
        return WaitingCaps(limits["waiting_jobs"], self.config.EPICODE_MAX_WAITING, counted)

    def limits_of(self, own: dict[str, Any]) -> dict[str, Any]:
        """A user's limits by name, absent where there is none."""
        config = self.config
        general = {
            "posts_minute": config.EPICODE_POSTS_PER_MINUTE,
            "active_jobs": config.EPICODE_MAX_ACTIVE_PER_USER,
            "waiting_jobs": config.EPICODE_MAX_WAITING_PER_USER,
            "tokens_day": config.EPICODE_TOKENS_PER_DAY,
            "tokens_month": config.EPICODE_TOKENS_PER_MONTH,
            "cost_day": config.EPICODE_COST_PER_DAY,
            "cost_month": config.EPICODE_COST_PER_MONTH,
        }
        return {name: value for name, value in general.items() if value is not None} | own


def services() -> Services:
    return cast(Services, current_app.extensions["epicode"])
