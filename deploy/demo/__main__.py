"""`python -m deploy.demo --port N`: serves until SIGTERM or Ctrl-C; then EpiCode's base URL
is http://127.0.0.1:N/v1."""

from __future__ import annotations

import argparse

from aiohttp import web

from deploy.demo.server import Pace, create_app


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.demo", description="EpiCode's demonstration of a model API."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long an answer takes")
    options = parser.parse_args()
    print(f"demo: http://{options.host}:{options.port}/v1", flush=True)
    web.run_app(
        create_app(Pace(first=min(0.6, options.seconds / 10), whole=options.seconds)),
        host=options.host,
        port=options.port,
        print=None,
        access_log=None,
        # a reader who leaves or a stop must not wait for the rest of a 20 s answer
        handler_cancellation=True,
        shutdown_timeout=0.1,
    )


if __name__ == "__main__":
    main()
