"""Who may import whom: one house, two doors. Read from the source, also inside functions."""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from common.config import ROOT

FLASK = ("flask", "flask_sqlalchemy", "flask_migrate", "flask_openapi", "flask_login", "werkzeug")
OTHERS = ("tests", "bench", "commands", "deploy", "manage", "wsgi")

# Folder → what nothing in it may import.
LAW = {
    "common": ("web", "worker", "openai", *FLASK, *OTHERS),
    "worker": ("web", *FLASK, *OTHERS),
    "web": ("worker", "openai", *OTHERS),
}


def imports_of(source: str, package: str = "") -> set[str]:
    """The modules that a source names, absolute; `package` is where relative ones start."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            start = ".".join(parents) if node.level else ""
            module = ".".join(part for part in (start, node.module) if part)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def breaches(modules: Iterable[str], forbidden: Iterable[str]) -> set[str]:
    """Those of `modules` that are one of `forbidden`, or inside one."""
    return {
        module
        for module in modules
        for name in forbidden
        if module == name or module.startswith(name + ".")
    }


def sources(folder: str) -> Iterator[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, folder
    yield from found


def imports_in(file: Path) -> set[str]:
    package = ".".join(file.relative_to(ROOT).parent.parts)
    return imports_of(file.read_text(encoding="utf-8"), package)


@pytest.mark.parametrize("folder", LAW)
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    broken = {
        str(file.relative_to(ROOT)): found
        for file in sources(folder)
        if (found := breaches(imports_in(file), LAW[folder]))
    }

    assert broken == {}


def test_only_one_file_imports_openai() -> None:
    folders = ("common", "worker", "web", "commands", "deploy")
    files = [file for folder in folders for file in sources(folder)] + list(ROOT.glob("*.py"))

    using = [file for file in files if breaches(imports_in(file), ["openai"])]

    assert using == [ROOT / "worker" / "upstream.py"]


def test_the_launcher_needs_nothing_but_the_standard_library() -> None:
    own = {"deploy", "deploy.local", "common", "common.run_file"}
    files = [*sources("deploy/local"), ROOT / "common" / "run_file.py", ROOT / "epicode"]

    strange = {
        (file.name, module)
        for file in files
        for module in imports_in(file)
        if module.split(".")[0] not in sys.stdlib_module_names
        and module not in own
        and not module.startswith(("deploy.local.", "common.run_file."))
    }

    assert strange == set()


def test_the_application_knows_nothing_of_the_demo() -> None:
    named = [
        file
        for folder in ("common", "worker", "web")
        for file in sources(folder)
        if "deploy.demo" in file.read_text(encoding="utf-8")
    ]

    assert named == []


@pytest.mark.parametrize(
    "source",
    [
        "import openai",
        "import openai.types as types",
        "from openai import OpenAI",
        "from openai.types import Completion",
        "def late():\n    import openai",
        "if TYPE_CHECKING:\n    from openai import OpenAI",
    ],
)
def test_an_import_is_found_in_any_form(source: str) -> None:
    assert breaches(imports_of(source), ["openai"])


def test_a_relative_import_is_found_too() -> None:
    assert breaches(imports_of("from ..worker import tasks", "web.routes"), ["worker"]) == set()
    assert breaches(imports_of("from . import tasks", "worker"), ["worker"])
    assert breaches(imports_of("from .tasks import run_job", "worker"), ["worker"])


def test_a_name_that_only_begins_alike_is_no_breach() -> None:
    assert (
        breaches(imports_of("import openai_tools\nfrom webbrowser import open"), ["openai", "web"])
        == set()
    )
