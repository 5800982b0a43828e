"""Celery's events, told a few times a second instead of one by one.

Each event by itself costs a message through kombu, and a job has three: with hundreds of jobs
that would be a fifth of the process's time. Flower shows them as they come.
"""

from typing import Any

from celery.bootsteps import StartStopStep

FLUSH_SECONDS = 0.25


class GatherEvents(StartStopStep):
    """A step of Celery's consumer, started anew with each connection to the broker."""

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        dispatcher = consumer.event_dispatcher
        dispatcher.on_send_buffered = None  # else each is flushed at once
        self._timer = consumer.timer.call_repeatedly(FLUSH_SECONDS, dispatcher.flush)

    def stop(self, consumer: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if consumer.event_dispatcher is not None:
            consumer.event_dispatcher.flush()
