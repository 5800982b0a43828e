"""The bench's upstream, running, for the tests of the bench."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from common.config import ROOT


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where it answers, without /v1."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.upstream"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait(10)
