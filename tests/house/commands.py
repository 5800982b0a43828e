"""Running the product's own commands, as an operator does."""

import os
import subprocess
import sys

from common.config import ROOT, BaseConfig


def environment(config: BaseConfig, **more: str) -> dict[str, str]:
    """A shell with these settings and no others."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in BaseConfig.model_fields and not name.startswith("EPICODE_")
    }
    return kept | {
        "FLASK_ENV": config.FLASK_ENV,
        "DATABASE_URL": config.DATABASE_URL,
        "REDIS_URL": config.REDIS_URL,
        **more,
    }


def run(config: BaseConfig, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """`python ARGUMENTS` in the project's folder, run to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(config, **more),
        capture_output=True,
        text=True,
        timeout=60,
    )
