"""Where Prometheus reads this process's metrics: a small listener, off unless a port is set.

Several workers of one machine share the setting: each takes the first port from there that is free.
"""

import errno
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import start_http_server

from worker.metrics import REGISTRY

# So many workers of one machine can be told apart.
MOST_PORTS = 16

log = structlog.get_logger(__name__)


class Listener:
    """Listens from `start` to `stop`. Never the reason why a worker doesn't work."""

    def __init__(self, host: str, port: int | None) -> None:
        self._host = host
        self._port = port
        self._server: WSGIServer | None = None

    def start(self) -> None:
        """Does nothing without a port."""
        if self._port is None:
            return
        for port in range(self._port, min(self._port + MOST_PORTS, 65536)):
            try:
                self._server, _ = start_http_server(port, self._host, REGISTRY)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                log.warning("metrics_not_listening", error=str(error))
                return
            log.info("metrics_listening", host=self._host, port=port)
            return
        log.warning("metrics_not_listening", error="every port is taken")

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
