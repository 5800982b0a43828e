"""Packages that are loaded when somebody first wants something of them."""

import importlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from worker.later import put_off

INIT = """
import time
from far_away import part
time.sleep(0.05)  # so that others come meanwhile
LOADED.append(1)
from far_away.part import near
far = near + 1
def __getattr__(name):
    if name == "old_name":
        return far
    raise AttributeError(name)
"""


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A package `far_away` that is put off; the list grows each time its `__init__.py` runs."""
    package = tmp_path / "far_away"
    package.mkdir()
    (package / "__init__.py").write_text("from far_away_loads import LOADED\n" + INIT)
    (package / "part.py").write_text("near = 1\n")
    counter = ModuleType("far_away_loads")
    counter.LOADED = []  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "far_away_loads", counter)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    put_off("far_away")
    yield counter.LOADED  # type: ignore[attr-defined]
    for name in [name for name in sys.modules if name.partition(".")[0] == "far_away"]:
        del sys.modules[name]


def test_its_modules_are_there_without_it(loads: list[int]) -> None:
    part = importlib.import_module("far_away.part")

    assert part.near == 1
    assert loads == []


def test_the_first_look_loads_it_once(loads: list[int]) -> None:
    package = importlib.import_module("far_away")

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(lambda _: package.far, range(8)))

    assert seen == [2] * 8
    assert loads == [1]


def test_afterwards_it_is_a_package_like_any_other(loads: list[int]) -> None:
    package = importlib.import_module("far_away")

    assert package.old_name == 2
    with pytest.raises(AttributeError, match="nothing"):
        _ = package.nothing
    assert loads == [1]
