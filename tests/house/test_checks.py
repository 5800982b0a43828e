"""The linter, the formatter and the type checker have nothing to say."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.config import ROOT


@pytest.mark.parametrize(
    "check", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join
)
def test_nothing_is_reported(check: list[str], tmp_path: Path) -> None:
    cache = ["--cache-dir", str(tmp_path)]

    done = subprocess.run(
        [sys.executable, "-m", *check, *cache], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
