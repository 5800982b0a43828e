"""What a worker process tells Prometheus: counted where it happens, once an attempt and never a
token. `worker/listener.py` lets it be read."""

from collections.abc import Callable
from datetime import timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from common.jobs import Said
from common.machine import FINISHED

# Whoever may ask for any name must not make series without end.
MOST_MODELS = 50
KINDS = ("input", "cached", "output", "reasoning")

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a series a counter that nobody reads
_ATTEMPTS = Counter(
    "epicode_attempts",
    "Attempts by what became of them: completed, handed_over, worker_lost, an error's code, …",
    ["model", "outcome"],
    registry=REGISTRY,
)
_ENDED = Counter(
    "epicode_jobs_ended", "Jobs that have ended here, by status.", ["status"], registry=REGISTRY
)
_WAITED = Histogram(
    "epicode_waiting_seconds",
    "From a job's acceptance to its first claim.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
    registry=REGISTRY,
)
_FIRST_TOKEN = Histogram(
    "epicode_first_token_seconds",
    "From the claim to the model's first word.",
    ["model"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 60, 180),
    registry=REGISTRY,
)
_PACE = Histogram(
    "epicode_tokens_a_second",
    "Tokens of a reply over the time from its first word to its end.",
    ["model"],
    buckets=(2, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500),
    registry=REGISTRY,
)
_TOKENS = Counter(
    "epicode_tokens",
    "Tokens by kind; cached ones are among the input, reasoning among the output.",
    ["model", "kind"],
    registry=REGISTRY,
)
_COST = Counter(
    "epicode_cost_dollars", "What that cost, where prices are known.", ["model"], registry=REGISTRY
)
_UPSTREAM_ERRORS = Counter(
    "epicode_upstream_errors",
    "Attempts that the model server failed, by code.",
    ["model", "code"],
    registry=REGISTRY,
)
_RESCUED = Counter(
    "epicode_leases_rescued",
    "Jobs of lost workers that this process's sweep took up, by the status that they got.",
    ["status"],
    registry=REGISTRY,
)
FENCES_LOST = Counter(
    "epicode_fences_lost",
    "Attempts of this process that another one had taken over.",
    registry=REGISTRY,
)
RENEWALS_FAILED = Counter(
    "epicode_renewals_failed",
    "Renewals of this process's leases that the database didn't answer.",
    registry=REGISTRY,
)
UPSTREAM_STREAMS = Gauge(
    "epicode_upstream_streams", "Calls of the model that are open now.", registry=REGISTRY
)
_SLOTS = Gauge("epicode_worker_slots", "Replies at once, at most.", registry=REGISTRY)
_BUSY = Gauge("epicode_worker_slots_busy", "Slots that are taken now.", registry=REGISTRY)

_models: set[str] = set()


def watch_slots(slots: int, busy: Callable[[], float]) -> None:
    """Says how many slots there are, and what to ask for those that are taken."""
    _SLOTS.set(slots)
    _BUSY.set_function(busy)


def claimed(waited: timedelta) -> None:
    """A job was claimed for the first time."""
    _WAITED.observe(max(0.0, waited.total_seconds()))


def attempt_ended(
    model: str, outcome: str, said: Said, *, status: str, spoke_for: timedelta | None
) -> None:
    """An attempt was settled: its job is `status` now. `spoke_for`: since its first word."""
    model = label(model)
    _ATTEMPTS.labels(model, outcome).inc()
    if status in FINISHED:
        _ENDED.labels(status).inc()
    usage = said.usage
    for kind in KINDS:
        tokens = getattr(usage, f"{kind}_tokens")
        if tokens:
            _TOKENS.labels(model, kind).inc(tokens)
    if usage.cost:
        _COST.labels(model).inc(float(usage.cost))
    if said.first_token_after is not None:
        _FIRST_TOKEN.labels(model).observe(said.first_token_after.total_seconds())
    if spoke_for and usage.output_tokens:
        _PACE.labels(model).observe(usage.output_tokens / spoke_for.total_seconds())


def upstream_failed(model: str, code: str) -> None:
    """The model server ended an attempt with an error."""
    _UPSTREAM_ERRORS.labels(label(model), code).inc()


def rescued(model: str, status: str) -> None:
    """The sweep took up the job of a worker that is gone."""
    _RESCUED.labels(status).inc()
    _ATTEMPTS.labels(label(model), "worker_lost").inc()
    if status in FINISHED:
        _ENDED.labels(status).inc()


def ended_by_sweep(status: str) -> None:
    """The sweep ended a job that had waited or run for too long."""
    _ENDED.labels(status).inc()


def label(model: str) -> str:
    """The model's name in a metric."""
    if model not in _models:
        if len(_models) >= MOST_MODELS:
            return "other"
        _models.add(model)
    return model
