"""Prints every row that breaks a promise of common/audit.py. Changes nothing."""

import argparse

from sqlalchemy import text

from commands.database import connected
from common.audit import PROMISES, Limits, audit
from common.config import BaseConfig


def add_options(parser: argparse.ArgumentParser) -> None:
    """None: every promise is asked for."""


def run(config: BaseConfig, options: argparse.Namespace) -> int:
    with connected(config, patient=True) as database, database.transaction() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        jobs = session.scalar(text("SELECT count(*) FROM jobs"))
        findings = audit(session, Limits.of(config))
    for finding in findings:
        print(f"{finding.promise}: {finding.id}")
    if not findings:
        print(f"{len(PROMISES)} promises hold for {jobs} jobs")
    return 1 if findings else 0
