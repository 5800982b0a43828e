"""Celery's settings, loaded with `config_from_object('celery_conf')`.

Each departure from Celery's defaults has its reason beside it.
"""

import sys

from kombu import Exchange, Queue

from common.config import load_config
from common.errors import ConfigurationError

try:
    _config = load_config()
except ConfigurationError as error:
    sys.exit(f"EpiCode: {error}")

broker_url = _config.REDIS_URL
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a worker outlives any outage of its broker
# A broker that says nothing any more is found dead within 11 s instead of never: without the socket
# timeout an event that is being published would hold up the check for ever.
broker_transport_options = {
    "health_check_interval": 5,
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    # Two writes a message that would bring back what a lease brings back.
    "ack_emulation": False,
}

worker_pool = "threads"  # one sleeping thread a slot: the waiting is done in one event loop
worker_concurrency = _config.EPICODE_WORKER_SLOTS
worker_disable_prefetch = True  # a full process would reserve what an idle one could take
worker_prefetch_multiplier = 1
worker_send_task_events = True  # Flower tells the truth only if it is told
worker_hijack_root_logger = False  # common/log.py sets up the logs
worker_cancel_long_running_tasks_on_connection_loss = False  # the lease decides, not the broker

# Each with an exchange of its own: a shared default would deliver every message to both.
task_queues = [
    Queue(name, Exchange(name), routing_key=name) for name in ("interactive", "background")
]
task_default_queue = "interactive"
task_create_missing_queues = False
task_acks_late = False  # early: the lease in the job's row is the one mechanism of redelivery
task_ignore_result = True  # an unknown id would read as PENDING for ever: ask /api/jobs instead
task_track_started = True

task_serializer = "json"
result_serializer = "json"
accept_content = ["json"]
enable_utc = True
timezone = "UTC"
