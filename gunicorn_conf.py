"""gunicorn's settings: `gunicorn -c gunicorn_conf.py wsgi:app`."""

import faulthandler
import multiprocessing
import os.path
import sys

from common.config import load_config
from common.errors import ConfigurationError
from web.metrics_folder import remove_own_folder, use_own_folder

try:
    _config = load_config()
except ConfigurationError as error:
    sys.exit(f"EpiCode: {error}")

faulthandler.enable()  # a crash in native code leaves its Python lines (docs/sigsegv.md)
use_own_folder()  # before anything counts

_host = _config.EPICODE_HOST.strip("[]")
bind = f"[{_host}]:{_config.EPICODE_PORT}" if ":" in _host else f"{_host}:{_config.EPICODE_PORT}"
workers = _config.WEB_CONCURRENCY or multiprocessing.cpu_count() * 2 + 1
worker_class = "web.patient_worker.PatientWorker"  # gthread, which slow clients can't hold
threads = 8  # web/services.py lets at most half of them wait on long polls
preload_app = True  # loaded once; connections are opened after the fork, at first use
timeout = 30  # a process whose threads all hang this long is made anew
# On SIGTERM and on a reload (SIGHUP): who is being answered is answered first.
graceful_timeout = 25  # a long poll lasts 20 s at the most
keepalive = 5
control_socket_disable = True  # nothing here needs it, and it would lie in the home folder
# What a proxy says is believed by the application, and only as EPICODE_PROXIES tells.
forwarded_allow_ips = ""
secure_scheme_headers = {}
accesslog = None  # polls would drown everything else
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # a slow disk is no dead worker


def on_starting(server):  # type: ignore[no-untyped-def]
    """Loads before the fork what each process would else load for itself at its first request."""
    from sqlalchemy.orm import configure_mappers

    from common import memory
    from common.first_administrator import sentence_at_start
    from common.queue import app as celery
    from common.tokens import o200k

    memory.keep_little()
    configure_mappers()
    celery.finalize()
    celery.amqp.queues  # noqa: B018 - Celery makes it at the first look
    templates = server.app.wsgi().jinja_env
    for name in templates.list_templates():
        templates.get_template(name)
    o200k()
    said = sentence_at_start(_config)
    if said:
        print(said, file=sys.stderr, flush=True)
    memory.settle()


def worker_exit(server, worker):  # type: ignore[no-untyped-def]
    """Whoever has posted is rung for, also in the last moment."""
    app = getattr(worker, "wsgi", None)  # what never loaded has none
    if app is not None:
        app.extensions["epicode"].ringer.stop()


def on_exit(server):  # type: ignore[no-untyped-def]
    """The counts end with the master; of one that was killed the next start removes them."""
    remove_own_folder()
