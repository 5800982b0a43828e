"""The READMEs are twins, and what they say to type works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from common.config import ROOT
from manage import COMMANDS
from tests.stack import Stack

TWINS = ("README.md", "README.es.md")
UNITS = ROOT / "deploy" / "systemd"
BLOCK = re.compile(r"(<!-- tried -->\n)?```sh\n(.*?)```", re.DOTALL)


def _blocks(name: str) -> list[tuple[bool, str]]:
    text = (ROOT / name).read_text("utf-8")
    return [(bool(tried), commands) for tried, commands in BLOCK.findall(text)]


def test_both_languages_give_the_same_commands_in_the_same_order() -> None:
    english, spanish = (_blocks(name) for name in TWINS)

    assert english == spanish
    assert len(english) > 5


def test_both_languages_have_the_same_sections_and_tables() -> None:
    shapes = []
    for name in TWINS:
        lines = (ROOT / name).read_text("utf-8").splitlines()
        shapes.append([line.split()[0] for line in lines if line.startswith(("#", "|"))])

    assert shapes[0] == shapes[1]


PAGES = [*TWINS, *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]


@pytest.mark.parametrize("name", PAGES)
def test_every_command_and_unit_that_a_page_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")

    named = set(re.findall(r"manage\.py ([a-z][a-z-]+)", text))
    units = set(re.findall(r"\b(chatgpt(?:-\w+)?)(?:@\S*)?\.service", text))

    assert named <= set(COMMANDS)
    there = {file.name.partition(".")[0].removesuffix("@") for file in UNITS.glob("*.service")}
    assert units <= there


@pytest.mark.parametrize("name", PAGES)
def test_every_page_that_a_page_links_to_is_there(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text("utf-8"))

    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize(
    "commands", [commands for tried, commands in _blocks("README.md") if tried]
)
def test_the_commands_work_as_they_stand(commands: str, stack: Stack) -> None:
    script = commands.replace("http://127.0.0.1:8000", stack.url)
    script = script.replace("curl -s", "curl -sS --fail-with-body")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=stack.environment | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    signs = ("No changes in schema detected", "content", "promises hold")
    assert any(sign in done.stdout for sign in signs)
