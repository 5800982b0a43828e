"""How files look: none too long, each says what it holds, and so does what others call."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.config import ROOT

MOST_LINES = 350
FOLDERS = ("common", "worker", "web", "commands", "deploy", "migrations", "bench", "tests")
NOT_OURS = {"node_modules", "vendor", "__pycache__"}
# Beyond so many statements a function isn't obvious.
OBVIOUS = 3


def files(*endings: str, folders: tuple[str, ...] = FOLDERS) -> list[Path]:
    found = [file for folder in folders for file in (ROOT / folder).rglob("*")]
    found += ROOT.glob("*")
    return sorted(
        file
        for file in found
        if (file.suffix in endings or file == ROOT / "epicode")
        and not NOT_OURS & set(file.relative_to(ROOT).parts)
    )


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_the_files_are_found() -> None:
    found = {name(file) for file in files(".py", ".js", ".mjs")}

    assert {"common/jobs.py", "epicode", "manage.py", "web/static/js/api.js"} <= found
    assert not any("vendor/" in file for file in found)


def test_no_file_is_longer_than_one_idea() -> None:
    long = {
        name(file): lines
        for file in files(".py", ".js", ".mjs")
        if file.parent.name != "versions"  # a migration is as long as what it makes
        and (lines := len(file.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }

    assert long == {}


def modules(*folders: str) -> list[Path]:
    return [
        file
        for file in files(".py", folders=folders)
        if file.suffix == ".py" and file.parent != ROOT and file.read_text(encoding="utf-8").strip()
    ]


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "tests"])
def test_every_module_opens_by_saying_what_it_holds(folder: str) -> None:
    silent = [
        name(file)
        for file in modules(folder)
        if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]

    assert silent == []


def unexplained(file: Path) -> Iterator[str]:
    """Public functions and classes without a docstring whose body isn't obvious."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for holder in [tree, *[found for found in classes if not found.name.startswith("_")]]:
        for node in holder.body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if node.name.startswith("_") or ast.get_docstring(node):
                continue
            if isinstance(node, ast.ClassDef) or len(node.body) > OBVIOUS:
                yield f"{name(file)}: {node.name}"


def test_what_the_rules_and_the_worker_offer_says_what_it_promises() -> None:
    silent = [one for file in modules("common", "worker") for one in unexplained(file)]

    assert silent == []
