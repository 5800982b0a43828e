"""What the web tells Prometheus: requests counted as they are answered, the rest asked at a scrape.

A request costs one counter's increment and nothing else. Under gunicorn the counts of all
processes lie in files of shared memory (web/metrics_folder.py), and whichever process is scraped
adds them up.
"""

import os
from collections.abc import Iterator

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from common.census import Census, census
from common.redis_state import RedisState, redis_state
from web.database import looking
from web.metrics_folder import FOLDER_VARIABLE

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series a counter that nobody reads
REQUESTS = Counter(
    "epicode_requests",
    "Requests that the web answered; polls are those of the route GET /api/jobs/<id>.",
    ["route", "status"],
    registry=None,
)
# Looking a labelled counter up costs more than counting: each is looked up once a process.
_counters: dict[tuple[str, str, int], Counter] = {}

# name → what it is, and where a census has it.
OF_CENSUS = {
    "jobs_held": ("Queued jobs that wait for the reply before them.", "held"),
    "jobs_startable": ("Queued jobs that wait for nothing but a slot.", "startable"),
    "oldest_startable_seconds": ("How long the oldest of those has waited.", "oldest_seconds"),
    "leases_lapsed": ("Running jobs whose lease holds no more.", "lapsed"),
    "models_paused": ("Models that the model server asked to slow down for.", "paused"),
    "workers_online": ("Worker processes seen within the last 15 seconds.", "workers"),
    "slots": ("Replies that all workers online write at once, at most.", "slots"),
    "slots_busy": ("How many of those slots are taken.", "busy"),
}


def register_metrics(app: Flask) -> None:
    app.after_request(_count)


def exposition(redis_url: str) -> bytes:
    """All of the web's metrics in Prometheus' text format. Asks the database and Redis once each;
    one that is away is told as such, and its numbers are left out."""
    registry = CollectorRegistry()
    if FOLDER_VARIABLE in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REQUESTS)
    registry.register(_State(redis_url))
    return generate_latest(registry)


class _State(Collector):
    """How things stand, asked when it is collected."""

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url

    def describe(self) -> list[Metric]:
        return []  # or registering it would collect it

    def collect(self) -> Iterator[Metric]:
        try:
            with looking() as connection:
                counted = census(connection)
        except SQLAlchemyError:
            counted = None
        yield _gauge("database_up", "Whether PostgreSQL answered.", counted is not None)
        if counted is not None:
            yield from _of_census(counted)
        try:
            state = redis_state(self._redis_url)
        except RedisError:
            state = None
        yield _gauge("redis_up", "Whether Redis answered.", state is not None)
        if state is not None:
            yield from _of_redis(state)


def _of_census(counted: Census) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("epicode_jobs", "Unfinished jobs.", labels=["status"])
    jobs.add_metric(["queued"], counted.queued)
    jobs.add_metric(["in_progress"], counted.in_progress)
    yield jobs
    for name, (what, field) in OF_CENSUS.items():
        yield _gauge(name, what, getattr(counted, field))


def _of_redis(state: RedisState) -> Iterator[Metric]:
    yield _gauge("redis_used_bytes", "Memory that Redis uses.", state.used_bytes)
    yield _gauge("redis_most_bytes", "Its limit; 0 is none.", state.most_bytes)
    doorbells = GaugeMetricFamily(
        "epicode_doorbells", "Celery messages that no worker has taken.", labels=["queue"]
    )
    for queue, length in state.doorbells.items():
        doorbells.add_metric([queue], length)
    yield doorbells


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"epicode_{name}", what, value=float(value))


def _count(response: Response) -> Response:
    rule = request.url_rule
    # what no route answers may have any path and any method
    if rule:
        count(request.method, rule.rule, response.status_code)
    else:
        count("", "", 404)
    return response


def count(method: str, rule: str, status: int) -> None:
    """Counts a request that was answered by the route of this rule; "": by none."""
    key = (method, rule, status)
    counter = _counters.get(key)
    if counter is None:
        route = f"{method} {rule}" if rule else "other"
        counter = _counters[key] = REQUESTS.labels(route, str(status))
    counter.inc()
