"""`python -m worker`: `celery -A worker.app worker` with the same options, and a lighter start.

Whoever names `celery` loads all its commands, and those of each package that brings some: Flower
and a shell, 13 MB and a fifth of a second in each worker.
"""

import sys


def main() -> None:
    """Ends with the worker, by SystemExit with its exit code."""
    from celery.bin.base import CLIContext
    from celery.bin.worker import worker

    from worker.app import app

    worker.main(
        sys.argv[1:],
        prog_name="python -m worker",
        auto_envvar_prefix="CELERY_WORKER",
        obj=CLIContext(app=app, no_color=False, workdir=None),
    )


if __name__ == "__main__":
    main()
