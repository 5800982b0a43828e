"""What `celery -A worker.app worker` loads: a whole worker, with nothing else to start."""

import faulthandler
from typing import Any

import structlog
from celery.signals import (
    setup_logging,
    task_revoked,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

import worker.tasks  # noqa: F401 - registers the task
from common.config import load_config
from common.db import reason_unreachable
from common.errors import ConfigurationError
from common.log import set_up_logs
from common.queue import app
from worker.cancellation import on_task_revoked
from worker.events import GatherEvents
from worker.niceness import step_back
from worker.process import WorkerProcess, current, set_current

__all__ = ["app"]

log = structlog.get_logger(__name__)


@setup_logging.connect
def set_up(**_: Any) -> None:
    set_up_logs(load_config())


@worker_init.connect
def start(sender: Any, **_: Any) -> None:
    # Workers know each other from the table: a second of each start, and what each tells all others
    # afterwards, would be for nothing.
    sender.options |= {"without_mingle": True, "without_gossip": True}
    try:
        config = load_config()
        faulthandler.enable()  # a crash in native code leaves its Python lines (docs/sigsegv.md)
        set_up_logs(config)  # Celery asks for it later, and the first lines are written before
        reason = reason_unreachable(config.DATABASE_URL)
        if reason is not None:
            raise ConfigurationError(
                f"PostgreSQL can't be reached ({reason}): start ./epicode up, or set DATABASE_URL"
            )
        queues = sorted(queue.name for queue in app.amqp.queues.consume_from.values())
        process = WorkerProcess(
            config, name=sender.hostname, slots=sender.concurrency, queues=queues
        )
        set_current(process)
        step_back()
        process.start()
    except ConfigurationError as error:
        raise SystemExit(f"EpiCode: {error}") from None
    except Exception as error:
        # Celery would log it and go on, taking doorbells that nobody here can answer.
        log.error("worker_not_started", exc_info=error)
        raise SystemExit(f"EpiCode: the worker could not start ({_in_one_line(error)})") from None


@worker_ready.connect
def settle(**_: Any) -> None:
    current().settle()


@worker_shutting_down.connect
def begin_stop(**_: Any) -> None:
    current().begin_stop()


@worker_shutdown.connect
def stop(**_: Any) -> None:
    current().stop()
    set_current(None)


def _in_one_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


task_revoked.connect(on_task_revoked)
app.steps["consumer"].add(GatherEvents)
