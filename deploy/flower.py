"""`python -m deploy.flower`: `celery -A common.queue flower` without Celery's other commands, one
of which brings a shell: 7 MB less. For the launcher, whose Flower runs beside everything else."""

import sys

import click
from celery.bin.base import CLIContext
from flower.command import flower

from common.queue import app


def main() -> None:
    """Ends with Flower, by SystemExit."""
    click.Group("celery", commands={"flower": flower}).main(
        ["flower", *sys.argv[1:]],
        prog_name="celery",
        obj=CLIContext(app=app, no_color=False, workdir=None),
    )


if __name__ == "__main__":
    main()
