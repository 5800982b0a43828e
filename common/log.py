"""Logs: constant event names with ids as fields, never a prompt, a reply or a key.

JSON lines in production, unless EPICODE_LOG_FORMAT says otherwise, as ./epicode up does for the
people at its terminal; readable lines in development; warnings only under test.
"""

import logging
import sys

import structlog

from common.config import BaseConfig

_QUIET = (
    *("httpx2", "httpcore2", "openai", "asyncio", "urllib3", "kombu", "amqp"),
    # of each task `attempt_ended` says more, and a line costs as much as a statement
    *("celery.worker.strategy", "celery.app.trace"),
)


def set_up_logs(config: BaseConfig) -> None:
    """One handler on the root logger for structlog's events and everybody else's lines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    in_json = (config.EPICODE_LOG_FORMAT or _format_of(config.FLASK_ENV)) == "json"
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if in_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel("WARNING" if config.TESTING else config.EPICODE_LOG_LEVEL)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _format_of(environment: str) -> str:
    return "json" if environment == "production" else "text"
